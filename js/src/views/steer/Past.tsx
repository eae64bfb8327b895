import type { ViewProps } from "../../panels/panel.js";
import { nameOf } from "./live.js";
import type { Run, SteerState } from "./state.js";

const SHOWN = 36;

/** The runs before: one can be looked at again, or taken up with all its settings. */
export function Past({ state, update, shared, isReadOnly }: ViewProps<SteerState>) {
  const { runs, shown } = state;
  const at = Math.min(shown, runs.length - 1);
  const run = runs[at];
  if (!run || (runs.length < 2 && isReadOnly)) return null;
  const takeUp = () => {
    const { text, ...plan } = run.plan;
    update({ ...plan, text });
    shared.setText(text);
  };
  return (
    <div class="ss-steer-past">
      <label>
        <span class="ss-quiet">run</span>
        <select
          aria-label="Run that is shown"
          value={at}
          onChange={(e) => update({ shown: Number(e.currentTarget.value) })}
        >
          {runs.map((one, i) => (
            <option key={i} value={i}>
              {titleOf(one, i)}
            </option>
          ))}
        </select>
      </label>
      {!isReadOnly && (
        <>
          <button
            type="button"
            class="ss-quiet-button"
            onClick={takeUp}
            title="Set all fields as they were for this run"
          >
            its settings
          </button>
          <button type="button" class="ss-quiet-button" onClick={() => update({ runs: [], shown: 0 })}>
            clear
          </button>
        </>
      )}
    </div>
  );
}

function titleOf({ plan }: Run, i: number): string {
  const names = plan.strengths.map((s) => nameOf(plan, s)).join(" | ");
  const line = plan.text.replaceAll("\n", " ⏎ ");
  const text = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  return `${i === 0 ? "last" : `${i} before`}: ${names} · ${text}`;
}
