import { useContext } from "preact/hooks";
import { count, signed } from "../../data/format.js";
import type { FeaturePage, ScopeInfo, TokenWeight } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";

const METHOD = {
  norm_gain: "through the unembedding, with the final norm's gain",
  raw: "through the unembedding, without the final norm",
  none: "",
} as const;

/** Tokens that the feature's direction raises and lowers, straight through the unembedding. */
export function Promoted({ page, lens }: { page: FeaturePage; lens: ScopeInfo["lens"] }) {
  if (page.promoted.length === 0 && page.suppressed.length === 0) return null;
  const method = METHOD[lens] && `${METHOD[lens]}. At a middle layer this is not the feature's effect.`;
  return (
    <div class="ss-promoted">
      <Tokens label="promotes" weights={page.promoted} method={method} />
      <Tokens label="suppresses" weights={page.suppressed} method={method} />
    </div>
  );
}

function Tokens({ label, weights, method }: { label: string; weights: TokenWeight[]; method: string }) {
  const hover = useContext(HoverContext);
  return (
    <div class="ss-weights">
      <span class="ss-label" title={`The tokens it ${label}: ${method}`}>
        {label}
      </span>
      <ul>
        {weights.map((weight) => (
          <li
            key={weight.token}
            aria-label={`${weight.text} ${signed(weight.weight)}`}
            onMouseEnter={(e) => hover.set(described(weight, method, e.currentTarget))}
            onMouseLeave={() => hover.set(undefined)}
          >
            {weight.text.replaceAll("\n", "⏎")}
          </li>
        ))}
      </ul>
    </div>
  );
}

function described(weight: TokenWeight, method: string, node: Element) {
  return {
    rect: node.getBoundingClientRect(),
    title: "",
    lines: [
      ["weight", `${signed(weight.weight)} logits per unit`],
      ["token", `${weight.raw}  ${count(weight.token)}`],
      ["how", method],
    ] as [string, string][],
  };
}
