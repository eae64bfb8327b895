import { type Call, nested } from "../../data/call.js";
import type { CountRule, ExampleGroup, FeaturePage } from "../../protocol/generated.js";
import type { Units } from "./units.js";

/** What a person did on the page. */
export interface PageState {
  group: string;
  /** Tokens on each side of the peak; 0 for the whole window. */
  context: number;
  k: number;
  n_intervals: number;
  /** Alike examples are shown once. */
  folds: boolean;
  /** What counts; none for what the index counts. */
  rule: CountRule | null;
  /** Of activations: as the SAE gives them, or times the length of the decoder row. */
  units: Units;
  /** The text's line breaks break the line. */
  hasBreaks: boolean;
  /** All promoted and suppressed tokens are open. */
  isLensOpen: boolean;
  /** Read through the unembedding where the index holds no lens. */
  readsLens: boolean;
}

export const INITIAL: PageState = {
  group: "top",
  context: 16,
  k: 20,
  n_intervals: 5,
  folds: true,
  rule: null,
  units: "sae",
  hasBreaks: false,
  isLensOpen: false,
  readsLens: false,
};

/** What is asked of the store. */
export type Query = Pick<PageState, "group" | "context" | "k" | "n_intervals" | "folds" | "rule">;

/** What of the state is asked of the store: the rest changes only how it is drawn. */
export function queryOf({ group, context, k, n_intervals, folds, rule }: PageState): Query {
  return { group, context, k, n_intervals, folds, rule };
}

export const CONTEXTS = [5, 16, 0];

/** Whether two rules count the same. */
export function isSameRule(a: CountRule, b: CountRule): boolean {
  return (
    a.n_skipped === b.n_skipped &&
    a.skips_special === b.skips_special &&
    a.max_norm_ratio === b.max_norm_ratio
  );
}

/** Whether an option is not as the page begins with. */
export function isChanged({ k, n_intervals, folds, rule, units }: PageState): boolean {
  const isCounted = k !== INITIAL.k || n_intervals !== INITIAL.n_intervals || folds !== INITIAL.folds;
  return isCounted || rule !== null || units !== INITIAL.units;
}

/** The groups there will be, before the store has told their shares. */
export function groupsOf(n_intervals: number, page: FeaturePage | undefined): ExampleGroup[] {
  const part = (name: string, low: number, high: number) => ({
    name,
    low: low * (page?.max ?? 0),
    high: high * (page?.max ?? 0),
    n_fires: 0,
    share: Number.NaN,
    is_exact: true,
  });
  const intervals = Array.from({ length: n_intervals }, (_, i) => n_intervals - i).map((n) =>
    part(`interval-${n}`, (n - 1) / n_intervals, n / n_intervals),
  );
  return [part("top", 0, 1), part("random", 0, 1), ...intervals];
}

/** The number of a group's interval, 1 the weakest; none for top and random. */
export function intervalOf(name: string): number | undefined {
  const found = /^interval-(\d+)$/.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** The call that gives the examples that are shown. */
export function callOf(state: PageState, feature: number): Call {
  const { group, context, k, n_intervals, folds, rule, units } = { ...INITIAL, ...state };
  const args = {
    feature,
    group,
    context,
    ...(k === INITIAL.k ? {} : { k }),
    ...(folds ? {} : { folds: false }),
    ...(n_intervals === INITIAL.n_intervals ? {} : { n_intervals }),
    ...(rule ? { rule: nested("saescope.Rule", { ...rule }) } : {}),
    ...(units === INITIAL.units ? {} : { units }),
  };
  return { method: "examples", args };
}
