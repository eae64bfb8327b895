import { useEffect, useRef, useState } from "preact/hooks";
import { count, duration } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import type { ExportEstimate, ExportKind, ExportPlan } from "../../protocol/generated.js";
import { useSlow, versionOf } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { OptionForm } from "./OptionForm.js";
import { ago, PathField } from "./PathField.js";
import { Results, RunLine } from "./Results.js";
import { useRun } from "./run.js";
import { size } from "./size.js";
import { byOf, IMPORT_NOTES, optionsKey, pathOf, type ShareState, valuesOf, whichOf } from "./state.js";
import { useNews } from "./useNews.js";
import { Which } from "./Which.js";

interface Props extends ViewProps<ShareState> {
  kind: ExportKind;
  folder: string;
}

const MOST_RESULTS = 4;

/** One way to take features out: which, with what, to where; then the writing. */
export function Export(props: Props) {
  const { client, info, shared, feature, state, update, kind, folder } = props;
  const run = useRun(client);
  const news = useNews(client, info.id);
  const by = byOf(state, kind.kind, shared);
  const which = whichOf(state, kind.kind, shared, feature);
  const values = valuesOf(state, kind.kind);
  const typed = state.paths[kind.kind];
  const path = typed ?? kind.name ?? pathOf(state, kind.kind);
  const params = { scope: info.id, kind: kind.kind, path, which };
  const key = JSON.stringify(params);
  const [turn, setTurn] = useState(0);
  const plan = useAnswer<ExportPlan>(key, `${versionOf(info)}/${news}/${turn}`, async ({ signal }) => {
    const { data } = await client.request("share.plan", params, { signal, slot: "share-plan" });
    return data;
  });
  const known = plan.key === key ? plan.shown : undefined;
  const isRunning = run.state?.isRunning === true;
  const estimate = useEstimate(props, isRunning ? undefined : known, values);
  const lacking = kind.options.filter(
    ({ name, is_needed }) => is_needed && !(values[name] ?? kind.defaults[name]),
  );
  // two fields may change between two drawings
  const latest = useRef(state.options);
  latest.current = state.options;
  const set = (name: string, value: unknown) => {
    const own = optionsKey(kind.kind);
    const { [name]: _, ...others } = latest.current[own] ?? {};
    const isUsual = JSON.stringify(value) === JSON.stringify(kind.defaults[name]);
    latest.current = { ...latest.current, [own]: isUsual ? others : { ...others, [name]: value } };
    update({ options: latest.current });
  };
  const write = async (overwrite: boolean, to = path) => {
    if (to !== path) update({ paths: { ...state.paths, [kind.kind]: to } });
    await run.start({ ...params, path: to, options: latest.current[optionsKey(kind.kind)] ?? {}, overwrite });
    setTurn((n) => n + 1);
  };
  const done = run.state?.done;
  // also when the writing ended while something else was shown
  useEffect(() => {
    if (!done || state.results.includes(done)) return;
    const others = state.results.filter((r) => r.path !== done.path);
    update({ results: [done, ...others].slice(0, MOST_RESULTS) });
  }, [done]);
  return (
    <form
      class="ss-share-form"
      aria-label={`Export: ${kind.title}`}
      onSubmit={(e) => {
        e.preventDefault();
        if (known && !isRunning && lacking.length === 0 && canWrite(known)) void write(known.there === "own");
      }}
    >
      <p class="ss-share-about">{kind.problem || kind.meaning}</p>
      {!kind.problem && kind.takes_features && (
        <Which
          client={client}
          scope={info.id}
          by={by}
          setBy={(next) => update({ by: next })}
          list={state.list}
          setList={(list) => update({ list })}
          nPicked={shared.picked.length}
          nLabelled={plan.shown?.n_labelled}
          nFeatures={info.n_features}
          hasTable={shared.table !== undefined}
          feature={feature}
          n={known?.n_features}
        />
      )}
      {!kind.problem && (
        <>
          <OptionForm
            kind={kind}
            values={values}
            set={set}
            showsMore={state.showsMore}
            setShowsMore={(showsMore) => update({ showsMore })}
          />
          <PathField
            client={client}
            scope={info.id}
            label="to"
            folder={folder}
            value={path}
            set={(to) => update({ paths: { ...state.paths, [kind.kind]: to } })}
            endings={kind.name.includes(".") ? [kind.name.slice(kind.name.lastIndexOf("."))] : []}
            wantsFiles={!kind.is_folder}
          />
          <div class="ss-share-foot">
            <Ready
              plan={known}
              error={plan.error?.message}
              kind={kind}
              lacking={lacking.map(({ name }) => name.replaceAll("_", " "))}
              estimate={estimate}
              isRunning={isRunning}
              write={write}
              look={() => update({ view: IMPORT_NOTES, notesPath: path })}
            />
            <RunLine run={run} scope={info.id} client={client} />
          </div>
        </>
      )}
      <Results run={run} scope={info.id} client={client} results={state.results} />
    </form>
  );
}

function canWrite({ problem, unmet, there }: ExportPlan): boolean {
  return !problem && !unmet && (there === "nothing" || there === "own");
}

/** How long it will take, measured by writing a few; asked when the rest is known, and not of notes. */
function useEstimate(
  { client, info, shared, feature, state, kind }: Props,
  plan: ExportPlan | undefined,
  values: Record<string, unknown>,
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

interface ReadyProps {
  plan: ExportPlan | undefined;
  error: string | undefined;
  kind: ExportKind;
  lacking: string[];
  estimate: ExportEstimate | undefined;
  isRunning: boolean;
  write: (overwrite: boolean, path?: string) => Promise<void>;
  look: () => void;
}

/** What is about to be written, what is in the way, and the button. */
function Ready({ plan, error, kind, lacking, estimate, isRunning, write, look }: ReadyProps) {
  const isSlow = useSlow(plan === undefined && !error);
  const there = plan && !plan.problem && !plan.unmet ? plan.there : "nothing";
  const isBlocked = there === "file" || there === "folder" || there === "foreign";
  const problem = error || (plan && (plan.problem ? `${plan.problem} ${plan.hint}` : plan.unmet));
  const freeName = plan?.free ?? "";
  return (
    <div class="ss-share-row ss-share-ready">
      <span class="ss-share-head" />
      <span class="ss-share-go">
        {!isBlocked && (
          <button
            type="submit"
            class="ss-button ss-share-main"
            disabled={isRunning || !plan || lacking.length > 0 || !canWrite(plan)}
          >
            Export
          </button>
        )}
        {isBlocked && there !== "folder" && (
          <button
            type="button"
            class="ss-button"
            disabled={isRunning || lacking.length > 0}
            onClick={() => void write(true)}
          >
            Replace it
          </button>
        )}
        {isBlocked && there !== "foreign" && (
          <button
            type="button"
            class="ss-button"
            disabled={isRunning || lacking.length > 0}
            onClick={() => void write(false, freeName)}
          >
            Write {freeName}
          </button>
        )}
        {there === "foreign" && (
          <button type="button" class="ss-button" onClick={look}>
            Look at them
          </button>
        )}
        <span role="status" class={problem ? "ss-share-problem" : "ss-quiet"}>
          {problem || (isBlocked || there === "own" ? standing(plan, kind) : "")}
          {!problem && !isBlocked && lacking.length > 0 && `Still needed: ${lacking.join(", ")}.`}
          {!problem && !isBlocked && lacking.length === 0 && plan && said(plan, kind, estimate)}
          {isSlow && "Looking …"}
        </span>
      </span>
    </div>
  );
}

function standing(plan: ExportPlan | undefined, kind: ExportKind): string {
  if (!plan) return "";
  if (plan.there === "own") return `${plan.shown} is an export of these notes: it is brought up to date. `;
  if (plan.there === "foreign") return `${plan.shown} holds changes that these notes have not.`;
  if (plan.there === "folder")
    return `${plan.shown} holds something already${kind.is_folder ? ", and folders are never replaced" : ""}.`;
  return `${plan.shown} is there already: ${size(plan.n_bytes)}, ${ago(plan.changed_ms)}.`;
}

/** How much it will be: `12 features, about 1.2 MB in 4 s`. */
function said({ n_features }: ExportPlan, kind: ExportKind, estimate: ExportEstimate | undefined): string {
  if (!kind.takes_features) return "";
  const n = `${count(n_features)} ${n_features === 1 ? "feature" : "features"}`;
  if (!estimate?.n_sampled) return n;
  const { seconds, n_bytes } = estimate;
  return `${n}, about ${size(n_bytes)} in ${seconds < 1 ? "less than a second" : duration(seconds)}`;
}
