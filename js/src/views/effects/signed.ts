import { number } from "../../data/format.js";
import type { Rgb } from "../../data/shade.js";

/** The hues of a fall and of a rise; `pieces.css` uses the same. Told apart by all common color blindness. */
export const FALL: Rgb = [0, 114, 178];
export const RISE: Rgb = [230, 126, 0];
export const MOST = 0.6;

/** How strongly a signed value is shaded, 0 to 1: a square-root scale up to the largest magnitude. */
export function strengthOf(value: number | null | undefined, top: number): number {
  if (value == null || !Number.isFinite(value) || !(top > 0)) return 0;
  return Math.min(1, Math.sqrt(Math.abs(value) / top));
}

/** The class of a value's sign; noise has none. */
export function signClass(value: number | null | undefined): string {
  if (value == null || !(Math.abs(value) > 0)) return "";
  return value < 0 ? "ss-fall" : "ss-rise";
}

/** A change with its sign, also when it rounds to nothing: `−2.56`, `+0.210`, `0`. */
export function change(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return "–";
  if (Math.abs(value) < 5e-6) return "0";
  return value > 0 ? `+${number(value)}` : number(value);
}

/** A probability: per cent with two digits at least, small ones as a power of ten. */
export function probability(p: number): string {
  if (!Number.isFinite(p)) return "–";
  if (p >= 0.9995) return "1.00";
  if (p >= 0.01) return p.toFixed(2);
  if (p >= 0.0001) return p.toFixed(4);
  return p === 0 ? "0" : p.toExponential(0).replace("e-", "e−");
}

/** A token by itself: what cannot be seen has a sign. */
export function visible(text: string): string {
  const shown = text.replaceAll("\r", "").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
  return /^ *$/.test(shown) ? "␣".repeat(Math.max(1, shown.length)) : shown;
}
