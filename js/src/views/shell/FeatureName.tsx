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
      title={`Feature ${feature}: ${firing(brief)}`}
      draggable
      data-drag={feature}
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

/** How often a feature fires, and how strongly. */
export function firing({ density: share, n_fires, max, is_known }: FeatureBrief): string {
  if (is_known === false) return "is not in the source of this index";
  if (n_fires === 0) return "has not fired";
  return `fires on ${density(share)} (${count(n_fires)} tokens), max ${number(max)}`;
}

/** What to call a feature in a few letters: its label, or the token on which it is strongest. */
export function callName({ label, top_tokens }: FeatureBrief): string {
  return label || (top_tokens[0] === undefined ? "" : readable(top_tokens[0]));
}

/** A token in a list: without the spaces around it, and never empty. */
export function readable(token: string): string {
  return token.trim().replaceAll("\n", "⏎") || "␣";
}
