import { count, density, number } from "../../data/format.js";
import type { FeatureBrief } from "../../protocol/generated.js";

interface Props {
  brief: FeatureBrief;
  choose: (feature: number) => void;
  isOpen?: boolean;
}

/** Another feature, in one line: number, and label or top tokens; a click opens it. */
export function FeatureName({ brief, choose, isOpen = false }: Props) {
  const { feature, label, top_tokens } = brief;
  return (
    <button
      type="button"
      class={isOpen ? "ss-name ss-name-open" : "ss-name"}
      title={`Feature ${feature}: fires on ${density(brief.density)} (${count(brief.n_fires)} tokens), max ${number(brief.max)}`}
      onClick={() => choose(feature)}
    >
      <span class="ss-name-number">{feature}</span>
      {label ? (
        <span class="ss-name-label">{label}</span>
      ) : (
        <span class="ss-name-tokens">
          {top_tokens.map((token, i) => (
            <span key={i}>{readable(token)}</span>
          ))}
        </span>
      )}
    </button>
  );
}

/** A token in a list: without the spaces around it, and never empty. */
export function readable(token: string): string {
  return token.trim().replaceAll("\n", "⏎") || "␣";
}
