import { number } from "../../data/format.js";
import type { CircuitRow } from "../../protocol/generated.js";

/** A row's name in a few letters: `L4 H4`, `L8 MLP`. */
export function rowName({ kind, layer, head }: CircuitRow): string {
  if (kind === "head") return `L${layer} H${head}`;
  if (kind === "mlp") return `L${layer} MLP`;
  if (kind === "attention") return `L${layer} attention`;
  if (kind === "block") return `L${layer} block`;
  if (kind === "error") return "left over";
  if (kind === "feature") return head === null ? "directly" : `by L${layer} H${head}`;
  return kind;
}

const ABOUT: Record<string, string> = {
  embedding: "what the residual stream begins with at this token",
  head: "an attention head: click to see the tokens it moves this from",
  attention: "what attention of this layer adds besides its heads, or as a whole",
  mlp: "what the MLP of this layer adds at this token",
  block: "what this block adds: its parts could not be told apart",
  bias: "the encoder's bias, and biases on the way: the same on every text",
  direct: "what the feature itself wrote here, straight to the output",
  error: "what the parts leave: rounding, and for estimates the quadrature",
};

/** What a row is, in one sentence, for its tip. */
export function rowAbout(row: CircuitRow): string {
  const share = row.share === null ? "" : ` · ${(100 * row.share).toFixed(1)} % of all parts by size`;
  return `${rowName(row)}: ${ABOUT[row.kind] ?? row.kind}${share}`;
}

/** How many times as strong as for other features. */
export function ratioOf({ score, baseline }: CircuitRow): number | undefined {
  return baseline === null || !(baseline > 0) ? undefined : Math.abs(score) / baseline;
}

export function times(ratio: number): string {
  return `${ratio >= 100 ? number(ratio) : ratio.toFixed(ratio >= 10 ? 1 : 2)}×`;
}

/** A change of a probability: four digits after the point at most. */
export function points(change: number): string {
  if (Math.abs(change) < 5e-5) return "≈ 0";
  const text = Math.abs(change).toFixed(Math.abs(change) < 0.01 ? 4 : 3);
  return `${change < 0 ? "−" : "+"}${text}`;
}

/** What a reader makes of the feature: `weights: query` is `query`. */
export function roleOf({ method }: CircuitRow): string {
  return method.startsWith("weights: ") ? method.slice("weights: ".length) : "";
}
