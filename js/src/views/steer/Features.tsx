import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { FeatureBrief } from "../../protocol/generated.js";
import { parseFeature } from "../page/NumberBox.js";
import { FeatureName } from "../shell/FeatureName.js";
import { Strength } from "./Strength.js";
import { type Change, KINDS, type Kind } from "./state.js";
import type { Known } from "./useKnown.js";

interface Props {
  changes: readonly Change[];
  /** They are not chosen but follow the feature that is open. */
  isFollowing: boolean;
  set: (changes: Change[]) => void;
  known: Known;
  feature: number | undefined;
  choose: (feature: number) => void;
  n_features: number;
}

/** The features that are steered, all at once, and how. */
export function Features(props: Props) {
  const { changes, isFollowing, set, known, feature, choose } = props;
  const put = (at: number, part: Partial<Change>) =>
    set(changes.map((change, i) => (i === at ? { ...change, ...part } : change)));
  return (
    <section class="ss-steer-features" aria-label="Features that are steered">
      <ul>
        {changes.map(({ feature: f, kind, strength }, i) => (
          <li key={f} class="ss-steer-feature" data-feature={f}>
            <span class="ss-steer-feature-head">
              <Named feature={f} brief={known.briefs.get(f)} choose={choose} isOpen={f === feature} />
              {isFollowing ? (
                <span
                  class="ss-quiet"
                  title="Another feature that you open takes its place; a change keeps it."
                >
                  open
                </span>
              ) : (
                <button
                  type="button"
                  class="ss-quiet-button ss-x"
                  aria-label={`Do not steer feature ${f}`}
                  onClick={() => set(changes.filter((_, n) => n !== i))}
                >
                  ×
                </button>
              )}
            </span>
            <span class="ss-steer-feature-how">
              <select
                aria-label={`What is done to feature ${f}`}
                title={KINDS.find((k) => k.kind === kind)?.meaning}
                value={kind}
                onChange={(e) => put(i, { kind: e.currentTarget.value as Kind })}
              >
                {KINDS.map((k) => (
                  <option key={k.kind} value={k.kind} title={k.meaning}>
                    {k.title}
                  </option>
                ))}
              </select>
              {kind === "zero" ? (
                <span class="ss-quiet">where it fires</span>
              ) : (
                <Strength
                  kind={kind}
                  value={strength}
                  set={(next) => put(i, { strength: next })}
                  label={`Strength of feature ${f}`}
                  range={known.ranges.get(f)}
                />
              )}
            </span>
          </li>
        ))}
      </ul>
      <AddFeature {...props} />
    </section>
  );
}

function AddFeature({ changes, isFollowing, set, feature, n_features }: Props) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const add = (wanted: number) => {
    if (changes.some((c) => c.feature === wanted) && !isFollowing)
      return setProblem(`Feature ${wanted} is steered already.`);
    setText("");
    setProblem("");
    const others = changes.filter((c) => c.feature !== wanted);
    set([...others, { feature: wanted, kind: "amplify", strength: 1 }]);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = parseFeature(text, n_features);
    if (wanted === undefined)
      return setProblem(
        `No feature ${text.trim() || "without a number"}: this SAE has 0 to ${count(n_features - 1)}.`,
      );
    add(wanted);
  };
  const canAdd = feature !== undefined && !changes.some((c) => c.feature === feature);
  return (
    <form class="ss-steer-add" onSubmit={submit}>
      <label>
        <span>and #</span>
        <input
          class="ss-field"
          data-box="number"
          inputMode="numeric"
          autocomplete="off"
          placeholder="number"
          aria-label="Number of a feature to steer"
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
      {canAdd && (
        <button type="button" class="ss-quiet-button" onClick={() => add(feature)}>
          add #{feature}
        </button>
      )}
      {problem && (
        <p class="ss-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

interface NamedProps {
  feature: number;
  brief: FeatureBrief | undefined;
  choose: (feature: number) => void;
  isOpen?: boolean;
}

/** A feature by its name, or by its number where nothing is told of it. */
export function Named({ feature, brief, choose, isOpen = false }: NamedProps) {
  if (brief) return <FeatureName brief={brief} choose={choose} isOpen={isOpen} />;
  return (
    <button
      type="button"
      class={isOpen ? "ss-name ss-name-open" : "ss-name"}
      aria-label={`Feature ${feature}`}
      onClick={() => choose(feature)}
    >
      <span class="ss-name-number">{feature}</span>
    </button>
  );
}
