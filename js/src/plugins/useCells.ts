import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import { isQuiet } from "../protocol/client.js";
import { messageOf } from "./FeatureActions.js";
import type { FeatureColumn, PluginAt } from "./surface.js";

export type Cell = string | number | null;
/** What other labextensions' columns hold of one feature, by column; the same object until it changes. */
export type Cells = Readonly<Record<string, Cell>>;

export interface ExtraCells {
  of: (feature: number) => Cells | undefined;
  /** Why a column has no values. */
  problem: (column: string) => string | undefined;
  retry: () => void;
}

const ASK_AFTER_MS = 60;
const KEPT = 6000;

/** Asks columns for the features in sight, once each; a column that fails is asked again when told to. */
class Store {
  readonly #at: PluginAt;
  readonly #tell: () => void;
  readonly #cells = new Map<number, Cells>();
  readonly #asked = new Map<FeatureColumn, Set<number>>();
  readonly #problems = new Map<string, string>();
  #isGone = false;

  constructor(at: PluginAt, tell: () => void) {
    this.#at = at;
    this.#tell = tell;
  }

  of(feature: number): Cells | undefined {
    return this.#cells.get(feature);
  }

  problem(column: string): string | undefined {
    return this.#problems.get(column);
  }

  show(columns: readonly FeatureColumn[], features: readonly number[]): void {
    if (this.#cells.size > KEPT) {
      this.#cells.clear();
      this.#asked.clear();
    }
    for (const column of columns) void this.#ask(column, features);
  }

  retry(): void {
    for (const column of [...this.#asked.keys()])
      if (this.#problems.has(column.name)) this.#asked.delete(column);
    this.#problems.clear();
  }

  end(): void {
    this.#isGone = true;
  }

  async #ask(column: FeatureColumn, features: readonly number[]): Promise<void> {
    const asked = this.#asked.get(column) ?? new Set();
    this.#asked.set(column, asked);
    const wanted = features.filter((feature) => !asked.has(feature));
    if (wanted.length === 0 || this.#problems.has(column.name)) return;
    for (const feature of wanted) asked.add(feature);
    try {
      const values = await column.values(wanted, this.#at);
      if (values.length !== wanted.length)
        throw new Error(`${wanted.length} values are wanted, and ${values.length} came.`);
      wanted.forEach((feature, i) => {
        this.#cells.set(feature, { ...this.#cells.get(feature), [column.name]: values[i] ?? null });
      });
    } catch (error) {
      for (const feature of wanted) asked.delete(feature);
      if (!isQuiet(error)) this.#problems.set(column.name, messageOf(error));
    }
    if (!this.#isGone) this.#tell();
  }
}

/** The cells of other labextensions' columns for the features in sight. */
export function useCells(
  columns: readonly FeatureColumn[],
  features: readonly number[],
  at: PluginAt,
  version: string,
): ExtraCells {
  const [turn, redraw] = useReducer((n: number) => n + 1, 0);
  const store = useMemo(() => new Store(at, () => redraw(0)), [at, version]);
  const latest = useRef(features);
  latest.current = features;
  const key = features.join();
  useEffect(() => () => store.end(), [store]);
  useEffect(() => {
    if (columns.length === 0) return;
    const timer = setTimeout(() => store.show(columns, latest.current), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [store, columns, key, turn]);
  return {
    of: (feature) => (columns.length === 0 ? undefined : store.of(feature)),
    problem: (column) => store.problem(column),
    retry: () => {
      store.retry();
      redraw(0);
    },
  };
}
