import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import { parseFeature } from "../page/NumberBox.js";
import { FeatureName } from "../shell/FeatureName.js";
import type { Suggestion } from "./useCompare.js";

const N_OFFERED = 4;

interface Props {
  features: readonly number[];
  n_features: number;
  suggestions: Suggestion[];
  add: (feature: number) => void;
}

/** Another feature beside the others: by its number, or one of those that may be meant. */
export function AddFeature({ features, n_features, suggestions, add }: Props) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = parseFeature(text, n_features);
    if (wanted === undefined)
      return setProblem(
        `No feature ${text.trim() || "without a number"}: this SAE has 0 to ${count(n_features - 1)}.`,
      );
    if (features.includes(wanted)) return setProblem(`Feature ${wanted} is here already.`);
    setText("");
    setProblem("");
    add(wanted);
  };
  return (
    <div class="ss-add">
      <form class="ss-add-form" onSubmit={submit}>
        <label>
          <span>with #</span>
          <input
            data-box="number"
            inputMode="numeric"
            autocomplete="off"
            placeholder="number"
            aria-label="Number of a feature to compare with"
            aria-invalid={problem !== ""}
            value={text}
            onInput={(e) => {
              setText(e.currentTarget.value);
              setProblem("");
            }}
          />
        </label>
        <button type="submit" class="ss-quiet-button">
          add
        </button>
        {problem && (
          <p class="ss-problem" role="alert">
            {problem}
          </p>
        )}
      </form>
      {suggestions.length > 0 && (
        <ul class="ss-offers" aria-label="Features to compare with">
          {suggestions.slice(0, N_OFFERED).map(({ brief, why }) => (
            <li key={brief.feature} title={why} data-offer={brief.feature}>
              <span aria-hidden="true">+</span>
              <FeatureName brief={brief} choose={add} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
