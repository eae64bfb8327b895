import { number } from "../../data/format.js";

const THIN = "\u2009";
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A size in thousands: `3.1 kB`. */
export function size(n_bytes: number): string {
  let n = n_bytes;
  let unit = 0;
  while (n >= 999.5 && unit < UNITS.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(n) : number(n)}${THIN}${UNITS[unit]}`;
}
