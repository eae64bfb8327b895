import type { MapPlaces, Point } from "./types.js";

const A_CELL = 8;
const MOST_CELLS = 1024;

/** A part of the plane. */
export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Features by where they are: cells of a square grid, row by row, each a run of `order`. */
export class Grid {
  /** The features that have a place, cell by cell. */
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  readonly side: number;
  readonly box: Box;
  /** Where nearly all are: without the outermost per cent on each side. */
  readonly core: Box;
  readonly #places: MapPlaces;
  readonly #cell: number;

  constructor(places: MapPlaces) {
    const { x, y } = places;
    const placed = indicesOf(x, y);
    this.#places = places;
    this.core = coreOf(places, placed);
    this.box = squareAround(places, placed);
    this.side = Math.max(1, Math.min(MOST_CELLS, Math.ceil(Math.sqrt(placed.length / A_CELL))));
    this.#cell = (this.box.x1 - this.box.x0) / this.side;
    const cells = new Uint32Array(placed.length);
    this.starts = new Uint32Array(this.side * this.side + 1);
    placed.forEach((feature, i) => {
      const cell = this.#row(y[feature] as number) * this.side + this.#column(x[feature] as number);
      cells[i] = cell;
      this.starts[cell + 1] = (this.starts[cell + 1] as number) + 1;
    });
    for (let i = 0; i < this.side * this.side; i++)
      this.starts[i + 1] = (this.starts[i + 1] as number) + (this.starts[i] as number);
    const free = this.starts.slice();
    this.order = new Uint32Array(placed.length);
    placed.forEach((feature, i) => {
      const cell = cells[i] as number;
      this.order[free[cell] as number] = feature;
      free[cell] = (free[cell] as number) + 1;
    });
  }

  /** Runs of `order` that hold all features in a box, and some around it. */
  runs(box: Box): [start: number, end: number][] {
    const { side, starts } = this;
    const outside =
      box.x1 < this.box.x0 || box.x0 > this.box.x1 || box.y1 < this.box.y0 || box.y0 > this.box.y1;
    if (outside) return [];
    const [left, right] = [this.#column(box.x0), this.#column(box.x1)];
    const found: [number, number][] = [];
    for (let row = this.#row(box.y0); row <= this.#row(box.y1); row++) {
      const start = starts[row * side + left] as number;
      const end = starts[row * side + right + 1] as number;
      const last = found.at(-1);
      if (last && last[1] === start) last[1] = end;
      else if (end > start) found.push([start, end]);
    }
    return found;
  }

  /** Call back for each feature in a box. */
  each(box: Box, visit: (feature: number, x: number, y: number) => void): void {
    const { x, y } = this.#places;
    for (const [start, end] of this.runs(box))
      for (let i = start; i < end; i++) {
        const feature = this.order[i] as number;
        const [px, py] = [x[feature] as number, y[feature] as number];
        if (px >= box.x0 && px <= box.x1 && py >= box.y0 && py <= box.y1) visit(feature, px, py);
      }
  }

  #column(x: number): number {
    return clamp(Math.floor((x - this.box.x0) / this.#cell), 0, this.side - 1);
  }

  #row(y: number): number {
    return clamp(Math.floor((y - this.box.y0) / this.#cell), 0, this.side - 1);
  }
}

/** Whether a point lies in a polygon, by the even-odd rule. */
export function isInside(polygon: readonly Point[], x: number, y: number): boolean {
  let isIn = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i] as Point;
    const [xj, yj] = polygon[j] as Point;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) isIn = !isIn;
  }
  return isIn;
}

export function clamp(x: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, x));
}

function indicesOf(x: Float32Array, y: Float32Array): Uint32Array {
  const found = new Uint32Array(x.length);
  let n = 0;
  for (let i = 0; i < x.length; i++)
    if (Number.isFinite(x[i] as number) && Number.isFinite(y[i] as number)) found[n++] = i;
  return found.subarray(0, n);
}

function squareAround({ x, y }: MapPlaces, placed: Uint32Array): Box {
  let [x0, y0, x1, y1] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const i of placed) {
    x0 = Math.min(x0, x[i] as number);
    x1 = Math.max(x1, x[i] as number);
    y0 = Math.min(y0, y[i] as number);
    y1 = Math.max(y1, y[i] as number);
  }
  if (!placed.length) return { x0: -1, y0: -1, x1: 1, y1: 1 };
  const half = Math.max(x1 - x0, y1 - y0, 1e-9) * 0.505;
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return { x0: cx - half, y0: cy - half, x1: cx + half, y1: cy + half };
}

const N_SAMPLED = 20_000;

function coreOf({ x, y }: MapPlaces, placed: Uint32Array): Box {
  if (!placed.length) return { x0: -1, y0: -1, x1: 1, y1: 1 };
  const step = Math.max(1, Math.floor(placed.length / N_SAMPLED));
  const sorted = (of: Float32Array) =>
    Float32Array.from(
      { length: Math.ceil(placed.length / step) },
      (_, i) => of[placed[i * step] as number] as number,
    ).sort();
  const ends = (of: Float32Array) => {
    const all = sorted(of);
    const at = Math.floor(all.length * 0.01);
    return [all[at] as number, all[all.length - 1 - at] as number] as const;
  };
  const [[x0, x1], [y0, y1]] = [ends(x), ends(y)];
  return { x0, y0, x1, y1 };
}
