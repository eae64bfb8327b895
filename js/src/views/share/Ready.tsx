import { count, duration } from "../../data/format.js";
import type { ExportEstimate, ExportKind, ExportPlan } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { ago } from "./PathField.js";
import { size } from "./size.js";

interface ReadyProps {
  plan: ExportPlan | undefined;
  error: string | undefined;
  kind: ExportKind;
  lacking: string[];
  estimate: ExportEstimate | undefined;
  isRunning: boolean;
  /** What is there was written just now. */
  isOurs: boolean;
  write: (overwrite: boolean, path?: string) => Promise<void>;
  look: () => void;
}

/** What is about to be written, what is in the way, and the button. */
export function Ready({ plan, error, kind, lacking, estimate, isRunning, isOurs, write, look }: ReadyProps) {
  const isSlow = useSlow(plan === undefined && !error);
  const there = plan && !plan.problem && !plan.unmet ? plan.there : "nothing";
  const isBlocked = there === "file" || there === "folder" || there === "foreign";
  const problem = error || (plan && (plan.problem ? `${plan.problem} ${plan.hint}` : plan.unmet));
  const isFileOfOurs = isOurs && there === "file";
  const isOff = isRunning || lacking.length > 0;
  const needed = lacking.length > 0 ? `Still needed: ${lacking.join(", ")}.` : "";
  const stands = plan && (isBlocked || there === "own") && !isFileOfOurs ? standing(plan, kind) : "";
  const will = plan && !isBlocked && !needed ? said(plan, kind, estimate) : "";
  return (
    <div class="ss-share-row ss-share-ready">
      <span class="ss-share-head" />
      <span class="ss-share-go">
        {!isBlocked && (
          <button type="submit" class="ss-button ss-share-main" disabled={isOff || !plan || !canWrite(plan)}>
            Export
          </button>
        )}
        {isBlocked && there !== "folder" && (
          <button type="button" class="ss-button" disabled={isOff} onClick={() => void write(true)}>
            {isOurs ? "Write it again" : "Replace it"}
          </button>
        )}
        {plan && isBlocked && there !== "foreign" && !isFileOfOurs && (
          <button
            type="button"
            class="ss-button"
            disabled={isOff}
            onClick={() => void write(false, plan.free)}
          >
            Write {plan.free}
          </button>
        )}
        {there === "foreign" && (
          <button type="button" class="ss-button" onClick={look}>
            Look at them
          </button>
        )}
        <span role="status" class={problem ? "ss-share-problem" : "ss-quiet"}>
          {problem || [stands, needed, will].filter(Boolean).join(" ")}
          {isSlow && "Looking …"}
        </span>
      </span>
    </div>
  );
}

function standing(plan: ExportPlan, kind: ExportKind): string {
  if (plan.there === "own") return `${plan.shown} is an export of these notes: it is brought up to date.`;
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

/** Whether a press of Export writes. */
export function canWrite({ problem, unmet, there }: ExportPlan): boolean {
  return !problem && !unmet && (there === "nothing" || there === "own");
}
