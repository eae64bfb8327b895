import type { ViewProps } from "../../panels/panel.js";
import type { ExportEstimate, ExportKind, ExportPlan } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { type ShareState, type Values, whichOf } from "./state.js";

interface Props extends ViewProps<ShareState> {
  kind: ExportKind;
}

/** How long it will take, measured by writing a few; asked when the rest is known, and not of notes. */
export function useEstimate(
  { client, info, shared, feature, state, kind }: Props,
  plan: ExportPlan | undefined,
  values: Values,
): ExportEstimate | undefined {
  const which = whichOf(state, kind.kind, shared, feature);
  const isWanted = plan !== undefined && plan.n_features > 0 && !plan.unmet && kind.takes_features;
  const telling = kind.options.filter(({ type }) => ["switch", "choice", "parts"].includes(type));
  const options = Object.fromEntries(
    telling.filter(({ name }) => name in values).map(({ name }) => [name, values[name]]),
  );
  const params = { scope: info.id, kind: kind.kind, which, options };
  const key = isWanted ? JSON.stringify(params) : undefined;
  const found = useAnswer<ExportEstimate>(key, versionOf(info), async ({ signal }) => {
    const { data } = await client.request("share.estimate", params, {
      signal,
      slot: "share-estimate",
      isLong: true,
    });
    return data;
  });
  return key !== undefined && found.key === key ? found.shown : undefined;
}
