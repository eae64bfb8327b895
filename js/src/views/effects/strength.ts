import { number } from "../../data/format.js";
import type { SweepPoint, SweepRead } from "../../protocol/generated.js";
import type { EffectsState } from "./state.js";

export type Axis = EffectsState["axis"];

/** A strength in words: `12.5, 0.50 × its largest in the index, as it is`. */
export function strengthText({ current, natural }: SweepRead, strength: number): string {
  const high = natural?.[1];
  const parts = [`strength ${number(strength)}`];
  if (high) parts.push(`${number(strength / high)} × max`);
  if (strength === current) parts.push("as it is");
  else if (strength === 0) parts.push("taken out");
  else if (natural && (strength < (natural[0] ?? 0) || strength > (high ?? 0)))
    parts.push("outside its range");
  return parts.join(" · ");
}

/** A point's figure on an axis. */
export function figureOf(point: SweepPoint, axis: Axis): number | null {
  return point[axis];
}

/** The mean over controls at a point, on an axis. */
export function controlOf(point: SweepPoint, axis: Axis): number | null {
  if (axis === "contrast") return null;
  return axis === "kl" ? point.control_kl : point.control_delta_logprob;
}
