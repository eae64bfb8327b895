import { asRequestError, type Client, isQuiet, type RequestError } from "../protocol/client.js";
import type { FeatureWindow } from "../protocol/generated.js";
import { type FeatureRow, readRows } from "./rows.js";

/** Which rows, in which order. */
export interface TableQuery {
  sort: string;
  descending: boolean;
  search: string;
  has_fired: boolean;
}

const WINDOW = 300;
const KEPT = 6000;

/** The rows of one query that the page holds; fetches windows as they come into sight. */
export class RowTable {
  /** Called when rows, counts or the error have changed. */
  onChange: () => void = () => {};
  readonly query: TableQuery;
  counts: FeatureWindow | undefined;
  error: RequestError | undefined;
  readonly #client: Client;
  readonly #scope: string;
  #rows = new Map<number, FeatureRow>();
  #wanted: [number, number] = [0, 0];

  constructor(client: Client, scope: string, query: TableQuery) {
    this.#client = client;
    this.#scope = scope;
    this.query = query;
  }

  row(index: number): FeatureRow | undefined {
    return this.#rows.get(index);
  }

  /** Fetch what of the rows `first` to `end` is missing, with some on both sides. */
  show(first: number, end: number): void {
    const last = this.counts ? Math.min(end, this.counts.n_match) : end;
    const missing = firstMissing(this.#rows, first, last);
    if (missing === undefined || (missing >= this.#wanted[0] && last <= this.#wanted[1])) return;
    const offset = Math.max(0, Math.min(missing, Math.floor((first + last - WINDOW) / 2)));
    void this.#fetch(offset, WINDOW, "table");
  }

  retry(): void {
    this.error = undefined;
    this.#wanted = [0, 0];
    void this.#fetch(0, WINDOW, "table");
  }

  /** The feature at a row, fetched when it is not held; none outside the table. */
  async featureAt(index: number): Promise<number | undefined> {
    if (index < 0) return undefined;
    if (!this.#rows.has(index)) await this.#fetch(Math.max(0, index - 50), WINDOW, "step");
    return this.#rows.get(index)?.feature;
  }

  async #fetch(offset: number, count: number, slot: string): Promise<void> {
    if (slot === "table") this.#wanted = [offset, offset + count];
    try {
      const { data, buffers } = await this.#client.request(
        "features.window",
        { scope: this.#scope, offset, count, ...this.query },
        { slot },
      );
      if (this.#rows.size > KEPT) this.#rows.clear();
      readRows(data, buffers).forEach((row, i) => {
        this.#rows.set(data.offset + i, row);
      });
      this.counts = data;
      this.error = undefined;
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

function firstMissing(rows: Map<number, FeatureRow>, first: number, end: number): number | undefined {
  for (let i = first; i < end; i++) if (!rows.has(i)) return i;
  return undefined;
}
