import { NumberField } from "./Strength.js";
import { type Drawing, MOST_STRENGTHS, type SteerState } from "./state.js";

interface Props {
  state: SteerState;
  update: (part: Partial<SteerState>) => void;
}

const NEXT = [1, 2, -1, 3, 0.5, -2];

/** The texts to write beside the unsteered one: what all strengths are multiplied by in each. */
export function Strengths({ state, update }: Props) {
  const { strengths } = state;
  const set = (next: number[]) => update({ strengths: next });
  const next = NEXT.find((s) => !strengths.includes(s)) ?? 1;
  return (
    <div class="ss-steer-line" role="group" aria-label="Texts to write">
      <span class="ss-quiet" title="One steered text for each: all strengths are multiplied by it.">
        texts at
      </span>
      {strengths.map((strength, i) => (
        <span key={i} class="ss-steer-factor">
          <span aria-hidden="true">×</span>
          <NumberField
            value={strength}
            set={(value) => set(strengths.map((s, n) => (n === i ? value : s)))}
            label={`All strengths times, text ${i + 1}`}
            width={2}
          />
          {strengths.length > 1 && (
            <button
              type="button"
              class="ss-quiet-button ss-x"
              aria-label={`Do not write text ${i + 1}`}
              onClick={() => set(strengths.filter((_, n) => n !== i))}
            >
              ×
            </button>
          )}
        </span>
      ))}
      {strengths.length < MOST_STRENGTHS && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-label={`Another text, at ${next} times`}
          onClick={() => set([...strengths, next])}
        >
          +
        </button>
      )}
    </div>
  );
}

/** How the text is drawn, and where it is steered. */
export function Settings({ state, update }: Props) {
  const { drawing } = state;
  const set = (part: Partial<Drawing>) => update({ drawing: { ...drawing, ...part } });
  const isDrawn = drawing.temperature > 0;
  return (
    <div class="ss-steer-settings" role="group" aria-label="How the text is written">
      <span>
        <span class="ss-quiet">tokens</span>
        <NumberField
          value={drawing.max_new_tokens}
          set={(max_new_tokens) => set({ max_new_tokens })}
          label="Most tokens to write"
          low={1}
          high={4096}
          isWhole
          width={3}
        />
      </span>
      <span title="0 takes the likeliest token; above, tokens are drawn, with the same noise in all texts.">
        <span class="ss-quiet">temperature</span>
        <NumberField
          value={drawing.temperature}
          set={(temperature) => set({ temperature })}
          label="Temperature"
          low={0}
          high={10}
          width={2}
        />
      </span>
      <span
        class={isDrawn ? "" : "ss-steer-idle"}
        title="The likeliest tokens that together have this probability."
      >
        <span class="ss-quiet">top p</span>
        <NumberField
          value={drawing.top_p}
          set={(top_p) => set({ top_p })}
          label="Top p"
          low={0.01}
          high={1}
          width={2}
        />
      </span>
      <span class={isDrawn ? "" : "ss-steer-idle"} title="The same seed gives the same text.">
        <span class="ss-quiet">seed</span>
        <NumberField
          value={drawing.seed}
          set={(seed) => set({ seed })}
          label="Seed"
          low={0}
          high={2 ** 31}
          isWhole
          width={3}
        />
        {isDrawn && (
          <button
            type="button"
            class="ss-quiet-button"
            aria-label="Next seed"
            onClick={() => set({ seed: drawing.seed + 1 })}
          >
            next
          </button>
        )}
      </span>
      <span>
        <span class="ss-quiet">steer</span>
        <select
          aria-label="Tokens to steer"
          value={drawing.where}
          onChange={(e) => set({ where: e.currentTarget.value as Drawing["where"] })}
        >
          <option value="all">every token</option>
          <option value="answer">the answer only</option>
        </select>
      </span>
    </div>
  );
}
