import type { Grid } from "./grid.js";
import type { MapCodes, MapPlaces } from "./types.js";

const LARGE = 300_000;
const BLUR = 0.6;
const WIDEST = 24;
const FAINTEST = 1e-5;

/** How many features lie where, as two bytes a cell: how dense it is (logarithmic), and the color there. */
export interface Density {
  side: number;
  texels: Uint8Array;
}

/** The density of the features that fire, over the box of a grid. */
export function densityOf(grid: Grid, { x, y, fires }: MapPlaces, { codes, isCategory }: MapCodes): Density {
  const side = grid.order.length > LARGE ? 1024 : 512;
  const { box, order } = grid;
  const scale = side / (box.x1 - box.x0);
  const counts = new Float32Array(side * side);
  const sums = new Float32Array(side * side);
  const votes = new Int32Array(isCategory ? side * side : 0);
  for (const feature of order) {
    const code = codes[feature] as number;
    if (!fires[feature] || code === 255) continue;
    const column = Math.floor(((x[feature] as number) - box.x0) * scale);
    const cell = Math.floor(((y[feature] as number) - box.y0) * scale) * side + column;
    counts[cell] = (counts[cell] as number) + 1;
    if (!isCategory) sums[cell] = (sums[cell] as number) + code;
    else if (!votes[cell] || sums[cell] === code) {
      sums[cell] = code;
      votes[cell] = (votes[cell] as number) + 1;
    } else votes[cell] = (votes[cell] as number) - 1;
  }
  const wanted = Math.round((side * BLUR) / Math.sqrt(Math.max(order.length, 1)));
  const radius = Math.max(1, Math.min(WIDEST, wanted));
  blur(counts, side, radius);
  if (!isCategory) blur(sums, side, radius);
  const texels = texelsOf(counts, sums, isCategory);
  spread(texels, side);
  return { side, texels };
}

function texelsOf(counts: Float32Array, sums: Float32Array, isCategory: boolean): Uint8Array {
  const most = counts.reduce((highest, n) => Math.max(highest, n), 0);
  const least = most * FAINTEST;
  const floor = most / 1000;
  const range = Math.log1p(most / floor);
  const texels = new Uint8Array(2 * counts.length);
  for (let i = 0; i < counts.length; i++) {
    const n = counts[i] as number;
    if (n <= least) continue;
    texels[2 * i] = Math.round((255 * Math.log1p(n / floor)) / range);
    texels[2 * i + 1] = isCategory ? (sums[i] as number) : Math.min(254, Math.round((sums[i] as number) / n));
  }
  return texels;
}

/** Give the cells beside the dense ones their color, so that a soft edge has it too. */
function spread(texels: Uint8Array, side: number): void {
  for (let i = side + 1; i < side * (side - 1) - 1; i++) {
    if (texels[2 * i]) continue;
    for (const j of [
      i - 1,
      i + 1,
      i - side,
      i + side,
      i - side - 1,
      i - side + 1,
      i + side - 1,
      i + side + 1,
    ])
      if (texels[2 * j]) texels[2 * i + 1] = texels[2 * j + 1] as number;
  }
}

/** Two passes of running means, across and down: near enough a Gaussian. */
function blur(cells: Float32Array, side: number, radius: number): void {
  const spare = new Float32Array(cells.length);
  for (let pass = 0; pass < 2; pass++) {
    means(cells, spare, side, 1, side, radius);
    means(spare, cells, side, side, 1, radius);
  }
}

function means(
  from: Float32Array,
  to: Float32Array,
  side: number,
  step: number,
  next: number,
  radius: number,
): void {
  const share = 1 / (2 * radius + 1);
  for (let line = 0; line < side; line++) {
    const start = line * next;
    let sum = 0;
    for (let i = 0; i < radius; i++) sum += from[start + i * step] as number;
    for (let i = 0; i < side; i++) {
      if (i + radius < side) sum += from[start + (i + radius) * step] as number;
      if (i - radius > 0) sum -= from[start + (i - radius - 1) * step] as number;
      to[start + i * step] = Math.max(0, sum) * share;
    }
  }
}
