import type { Tried } from "./tried.js";

/** By what features are ranked; the formulas are those of `query/tried.py`. */
export type By = "max" | "sum" | "tokens" | "relative" | "surprise";

export const RANKINGS: { by: By; label: string; about: string; needsIndex: boolean }[] = [
  {
    by: "max",
    label: "max",
    about: "The largest activation on a token of this text.",
    needsIndex: false,
  },
  {
    by: "sum",
    label: "sum",
    about: "The activations on all tokens of this text, summed.",
    needsIndex: false,
  },
  {
    by: "tokens",
    label: "tokens",
    about: "The number of tokens of this text on which it fires.",
    needsIndex: false,
  },
  {
    by: "relative",
    label: "of its max",
    about: "The largest activation here, as a share of the feature's largest in the index.",
    needsIndex: true,
  },
  {
    by: "surprise",
    label: "surprise",
    about:
      "Strong here and rare in the index: max × log10((tokens + 1) / (firings + 1)), counted in the index.",
    needsIndex: true,
  },
];

export interface Ranked {
  feature: number;
  max: number;
  sum: number;
  n_tokens: number;
  /** The token on which it is strongest. */
  pos: number;
  /** Infinite where the index has no firing; nothing without an index. */
  relative: number | undefined;
  surprise: number | undefined;
  density: number | undefined;
}

/** Features that fire on the tokens that count, or on one token, those first that tell most; equal ones by number. */
export function rank(tried: Tried, by: By, only?: number): Ranked[] {
  const { pos, values, which, unique, data } = tried;
  const [max, sum] = [new Float64Array(unique.length), new Float64Array(unique.length)];
  const [n, at] = [new Uint32Array(unique.length), new Uint32Array(unique.length)];
  for (let i = 0; i < which.length; i++) {
    const place = which[i] ?? 0;
    const here = pos[i] ?? 0;
    const size = Math.abs(values[i] ?? 0);
    if (Number.isNaN(size) || (only === undefined ? !tried.counts(here) : here !== only)) continue;
    if ((n[place] ?? 0) === 0 || size > (max[place] ?? 0)) {
      max[place] = size;
      at[place] = here;
    }
    sum[place] = (sum[place] ?? 0) + size;
    n[place] = (n[place] ?? 0) + 1;
  }
  const found: Ranked[] = [];
  for (let place = 0; place < unique.length; place++) {
    const n_tokens = n[place] ?? 0;
    if (n_tokens === 0) continue;
    const [top, most, nFires] = [max[place] ?? 0, tried.maximum(place), tried.nFires(place)];
    found.push({
      feature: unique[place] ?? 0,
      max: top,
      sum: sum[place] ?? 0,
      n_tokens,
      pos: at[place] ?? 0,
      relative: most === undefined ? undefined : most > 0 ? top / most : Number.POSITIVE_INFINITY,
      surprise: nFires === undefined ? undefined : top * Math.log10((data.n_counted + 1) / (nFires + 1)),
      density: tried.density(place),
    });
  }
  const value = (r: Ranked) => scoreOf(r, by) ?? r.max;
  return found.sort((a, b) => compare(value(b), value(a)) || a.feature - b.feature);
}

export function scoreOf(ranked: Ranked, by: By): number | undefined {
  return by === "tokens" ? ranked.n_tokens : ranked[by];
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
