import { asRequestError, type Client, isQuiet, type RequestError } from "../protocol/client.js";
import type { FeatureWindow } from "../protocol/generated.js";
import type { TableQuery } from "./query.js";
import { type FeatureRow, numbersOf, readRows } from "./rows.js";

const WINDOW = 300;
/** Of rows that are read anew, or jumped to: what is in sight and nearly; the rest when it is scrolled to. */
const FIRST_WINDOW = 100;
const KEPT = 6000;

/** The rows of one query that the page holds; fetches windows as they come into sight. */
export class RowTable {
  /** Called when rows, counts or the error have changed. */
  onChange: () => void = () => {};
  readonly query: TableQuery;
  counts: FeatureWindow | undefined;
  error: RequestError | undefined;
  /** How many times the rows have been read anew. */
  version = 0;
  readonly #client: Client;
  readonly #scope: string;
  #columns: readonly string[];
  #rows = new Map<number, FeatureRow>();
  /** Rows from before the last refresh: shown until the new ones are here. */
  #old = new Map<number, FeatureRow>();
  #turn = 0;
  #sight: [number, number] = [0, 0];
  #wanted: [number, number] = [0, 0];

  constructor(client: Client, scope: string, query: TableQuery, columns: readonly string[]) {
    this.#client = client;
    this.#scope = scope;
    this.#columns = columns;
    this.query = query;
  }

  /** Fetch other columns; rows that lack them are shown until then. */
  setColumns(columns: readonly string[]): void {
    if (columns.length === this.#columns.length && columns.every((c) => this.#columns.includes(c))) return;
    this.#columns = columns;
    if (this.counts) void this.refresh();
  }

  row(index: number): FeatureRow | undefined {
    return this.#rows.get(index) ?? this.#old.get(index);
  }

  /** Whether a row, as last read, is that feature's. */
  isAt(index: number | undefined, feature: number): boolean {
    return index !== undefined && this.#rows.get(index)?.feature === feature;
  }

  /** The numbers of the features in some rows, in order, whether held or not. */
  async numbers(offset: number, count: number): Promise<number[]> {
    const params = { scope: this.#scope, offset, count, ...this.query };
    const { buffers } = await this.#client.request("features.numbers", params, { slot: "numbers" });
    return numbersOf(buffers[0]);
  }

  /** The row of a feature among those last read. */
  rowOf(feature: number): number | undefined {
    for (const [index, row] of this.#rows) if (row.feature === feature) return index;
    return undefined;
  }

  /** Fetch what of the rows `first` to `end` is missing, with some on both sides. */
  show(first: number, end: number): void {
    this.#sight = [first, end];
    const last = this.counts ? Math.min(end, this.counts.n_match) : end;
    const missing = firstMissing(this.#rows, first, last);
    if (missing === undefined || (missing >= this.#wanted[0] && last <= this.#wanted[1])) return;
    const isJump = missing === first && !this.#rows.has(last - 1) && last - first <= FIRST_WINDOW;
    const count = isJump ? FIRST_WINDOW : WINDOW;
    void this.#fetch(Math.min(missing, around(first, last, count)), count, "table");
  }

  /** Read the rows in sight anew; those held stay until then. */
  async refresh(): Promise<void> {
    this.#turn++;
    this.#old = new Map(this.#old.size > KEPT ? this.#rows : [...this.#old, ...this.#rows]);
    this.#rows = new Map();
    const [first, end] = this.#sight;
    const count = end - first > FIRST_WINDOW ? WINDOW : FIRST_WINDOW;
    await this.#fetch(around(first, end, count), count, "table");
  }

  retry(): void {
    this.error = undefined;
    void this.refresh();
  }

  /** The feature at a row, fetched when it is not held; none outside the table. */
  async featureAt(index: number): Promise<number | undefined> {
    if (index < 0) return undefined;
    if (!this.#rows.has(index)) await this.#fetch(Math.max(0, index - 50), WINDOW, "step");
    return this.row(index)?.feature;
  }

  async #fetch(offset: number, count: number, slot: string): Promise<void> {
    if (slot === "table") this.#wanted = [offset, offset + count];
    const turn = this.#turn;
    try {
      const { data, buffers } = await this.#client.request(
        "features.window",
        { scope: this.#scope, offset, count, ...this.query, columns: [...this.#columns] },
        { slot },
      );
      const isOld = turn !== this.#turn;
      const held = isOld ? this.#old : this.#rows;
      if (held.size > KEPT) held.clear();
      readRows(data, buffers).forEach((row, i) => {
        held.set(data.offset + i, row);
      });
      if (!isOld) {
        this.counts = data;
        this.error = undefined;
        this.version = turn;
      }
    } catch (error) {
      const failure = asRequestError(error);
      if (isQuiet(failure)) return;
      this.error = failure;
    } finally {
      if (slot === "table" && this.#wanted[0] === offset) this.#wanted = [0, 0];
    }
    this.onChange();
  }
}

/** Where a window of some rows begins that has the rows `first` to `end` in its middle. */
function around(first: number, end: number, count: number): number {
  return Math.max(0, Math.floor((first + end - count) / 2));
}

function firstMissing(rows: Map<number, FeatureRow>, first: number, end: number): number | undefined {
  for (let i = first; i < end; i++) if (!rows.has(i)) return i;
  return undefined;
}
