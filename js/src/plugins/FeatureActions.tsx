import { useState } from "preact/hooks";
import type { Client } from "../protocol/client.js";
import { isQuiet } from "../protocol/client.js";
import type { ScopeInfo } from "../protocol/generated.js";
import { atOf } from "./at.js";
import type { FeatureAction } from "./surface.js";
import { useExtras } from "./usePlugins.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  feature: number;
}

/** What other labextensions offer to do with a feature; one that fails says so here. */
export function FeatureActions({ client, info, feature }: Props) {
  const { actions } = useExtras();
  const [running, setRunning] = useState<string>();
  const [failed, setFailed] = useState<{ feature: number; text: string }>();
  if (actions.length === 0) return null;
  const run = async ({ name, label, run: act }: FeatureAction) => {
    setRunning(name);
    setFailed(undefined);
    try {
      await act(
        feature,
        atOf(client, () => info),
      );
    } catch (error) {
      if (!isQuiet(error)) setFailed({ feature, text: `${label} failed: ${messageOf(error)}` });
    }
    setRunning(undefined);
  };
  return (
    <span class="ss-feature-actions">
      {actions.map((action) => (
        <button
          key={action.name}
          type="button"
          class="ss-quiet-button"
          data-action={action.name}
          title={action.title}
          disabled={running === action.name}
          onClick={() => void run(action)}
        >
          {action.label}
        </button>
      ))}
      {failed?.feature === feature && (
        <span class="ss-action-failed" role="alert">
          {failed.text}
        </span>
      )}
    </span>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
