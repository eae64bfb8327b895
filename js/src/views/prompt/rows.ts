import { larger, type PromptData } from "./data.js";

/** One feature on a text, or on one of its tokens. */
export interface Row {
  feature: number;
  /** The largest activation, by size, and where it is. */
  activation: number;
  pos: number;
  nTokens: number;
  /** The sum of all its activations, by size. */
  mass: number;
  /** Each method's figure that there is. */
  figures: Record<string, number>;
  exact: number | undefined;
}

/** The figure that a row shows, and how it was had. */
export interface Shown {
  value: number | null;
  method: string;
  isExact: boolean;
}

const NO_ESTIMATE = new Set(["activation", "exact"]);

/** The method whose figures stand in where there is no exact one. */
export function estimateOf(by: string): string {
  return NO_ESTIMATE.has(by) ? "gradient" : by;
}

/** All features that fire on a text, or at one position; by feature. */
export function rowsOf(prompt: PromptData, at: number | undefined): Row[] {
  const rows = new Map<number, Row>();
  const methods = [...prompt.figures].filter(([name]) => name !== "activation");
  for (let i = 0; i < prompt.nPairs; i++) {
    const [feature, pos, value] = [prompt.features[i] ?? 0, prompt.pos[i] ?? 0, prompt.activations[i] ?? 0];
    if (at !== undefined && pos !== at) continue;
    let row = rows.get(feature);
    if (!row) {
      const exact = prompt.exact(feature, at);
      row = { feature, activation: 0, pos, nTokens: 0, mass: 0, figures: {}, exact };
      for (const [name] of methods) row.figures[name] = 0;
      rows.set(feature, row);
    }
    if (larger(row.activation, value) !== row.activation) [row.activation, row.pos] = [value, pos];
    row.nTokens++;
    row.mass += Math.abs(value);
    for (const [name, figures] of methods) row.figures[name] = (row.figures[name] ?? 0) + (figures[i] ?? 0);
  }
  return [...rows.values()].sort((a, b) => a.feature - b.feature);
}

/** What a row shows as its attribution: the exact figure, else the estimate. */
export function shownOf(row: Row | undefined, by: string): Shown {
  if (!row) return { value: 0, method: "exact", isExact: true };
  if (row.exact !== undefined) return { value: row.exact, method: "exact", isExact: true };
  const method = estimateOf(by);
  return { value: row.figures[method] ?? null, method, isExact: false };
}

/**
 * Rows, best first; ties as they came. By `exact`, those that were measured lead once all that are to be are
 * (`isSettled`); until then rows stand by how likely their effect is large, and nothing moves.
 */
export function ranked(rows: readonly Row[], by: string, isSettled = true): Row[] {
  if (by === "exact") {
    const likely = candidates(rows);
    if (!isSettled) return likely;
    const had = likely.filter((row) => row.exact !== undefined);
    const rest = likely.filter((row) => row.exact === undefined);
    return [...had.sort((a, b) => Math.abs(b.exact ?? 0) - Math.abs(a.exact ?? 0)), ...rest];
  }
  const has = by === "activation" || rows.some((row) => row.figures[by] !== undefined);
  const size = (row: Row) => Math.abs(has && by !== "activation" ? (row.figures[by] ?? 0) : row.activation);
  return [...rows].sort((a, b) => size(b) - size(a));
}

/** By gradient and by summed activation in turn: one alone misses features that fire all over the text. */
export function candidates(rows: readonly Row[]): Row[] {
  const slopes = [...rows].sort(
    (a, b) => Math.abs(b.figures["gradient"] ?? 0) - Math.abs(a.figures["gradient"] ?? 0),
  );
  const masses = [...rows].sort((a, b) => b.mass - a.mass);
  return [...new Set(slopes.flatMap((row, i) => [row, masses[i] ?? row]))];
}

/** One feature on several texts. */
export interface Compared {
  feature: number;
  /** Its row in each text in which it fires. */
  rows: (Row | undefined)[];
  shown: Shown[];
  /** Each text's figure less the first's, by a method that both have. */
  gaps: Shown[];
  /** The largest figure less the smallest. */
  spread: number;
}

/** Rows of several texts put together by feature; by the largest difference, or by the largest figure. */
export function compared(
  texts: readonly (readonly Row[])[],
  by: string,
  sort: "difference" | "rank",
  isSettled = true,
): Compared[] {
  const known = texts.map((rows) => new Map(rows.map((row) => [row.feature, row])));
  const order = new Map<number, number>();
  const orders = texts.map((rows) => ranked(rows, by, isSettled));
  const longest = Math.max(0, ...orders.map((rows) => rows.length));
  for (let i = 0; i < longest; i++)
    for (const rows of orders) {
      const row = rows[i];
      if (row && !order.has(row.feature)) order.set(row.feature, order.size);
    }
  const found = [...order.keys()].map((feature) =>
    joined(
      feature,
      known.map((rows) => rows.get(feature)),
      by,
      isSettled,
    ),
  );
  return sort === "rank" ? found : found.sort((a, b) => b.spread - a.spread);
}

function joined(feature: number, rows: (Row | undefined)[], by: string, isSettled: boolean): Compared {
  const shown = rows.map((row) => shownOf(row, by));
  const [first] = rows;
  const gaps = rows.map((row): Shown => {
    const isExact = (row === undefined || row.exact !== undefined) && (!first || first.exact !== undefined);
    if (isExact) return { value: (row?.exact ?? 0) - (first?.exact ?? 0), method: "exact", isExact };
    const [own, other] = [estimated(row, by), estimated(first, by)];
    const value = own === null || other === null ? null : own - other;
    return { value, method: estimateOf(by), isExact };
  });
  return { feature, rows, shown, gaps, spread: spreadOf(rows, by, isSettled) };
}

function estimated(row: Row | undefined, by: string): number | null {
  return row ? (row.figures[estimateOf(by)] ?? null) : 0;
}

function spreadOf(rows: readonly (Row | undefined)[], by: string, isSettled: boolean): number {
  const useExact = isSettled && by === "exact" && rows.every((row) => !row || row.exact !== undefined);
  const figures = rows.map((row) => {
    if (by === "activation") return row?.activation ?? 0;
    return useExact ? (row?.exact ?? 0) : (estimated(row, by) ?? 0);
  });
  const spread = Math.max(...figures) - Math.min(...figures);
  return useExact ? spread + 1e6 : spread;
}
