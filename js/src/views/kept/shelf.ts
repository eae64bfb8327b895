import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { KeptAgain, KeptLine, KeptLines, KeptResult, Noted } from "../../protocol/generated.js";

/** What came of running a kept call again, or why it could not be run. */
export type Again = KeptAgain | "running" | RequestError;

/** The kept results of a scope as one page knows them; read once, and again when somebody changed them. */
export class Shelf {
  readonly #client: Client;
  readonly #scope: string;
  readonly #listeners = new Set<() => void>();
  #off: (() => void) | undefined;
  #found: KeptLines | undefined;
  /** Of a feature whose lines may be older than those that are told at once. */
  readonly #older = new Map<number, KeptLine[]>();
  readonly #again = new Map<string, Again>();
  #removed: KeptLine | undefined;
  #error: RequestError | undefined;

  constructor(client: Client, scope: string) {
    this.#client = client;
    this.#scope = scope;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#off ??= this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#off?.();
      this.#off = undefined;
      this.#found = undefined;
    };
  }

  /** The results of a feature, or with none of no feature, the newest first. */
  lines(feature: number | null): KeptLine[] {
    if (!this.#found) return [];
    const own = feature === null ? undefined : this.#older.get(feature);
    if (!own && feature !== null && this.#found.n > this.#found.lines.length) void this.#loadOlder(feature);
    return (own ?? this.#found.lines.filter((line) => line.feature === feature)).slice().reverse();
  }

  /** The one taken away last, until something else is done. */
  get removed(): KeptLine | undefined {
    return this.#removed;
  }

  /** Why the last change was not made. */
  get error(): RequestError | undefined {
    return this.#error;
  }

  again(id: string): Again | undefined {
    return this.#again.get(id);
  }

  get(id: string): Promise<KeptResult> {
    return this.#client.request("kept.get", { scope: this.#scope, id }).then(({ data }) => data);
  }

  async remove(line: KeptLine): Promise<void> {
    if (await this.#change("kept.remove", line.id)) this.#removed = line;
    this.#tell();
  }

  async undo(id: string): Promise<boolean> {
    const isDone = await this.#change("kept.undo", id);
    if (this.#removed?.id === id) this.#removed = undefined;
    this.#tell();
    return isDone;
  }

  async title(id: string, title: string): Promise<boolean> {
    try {
      await this.#client.request("kept.title", { scope: this.#scope, id, title });
      this.#error = undefined;
      await this.load();
      return true;
    } catch (failed) {
      this.#fail(failed);
      return false;
    }
  }

  /** Run a kept call again and compare. */
  async rerun(id: string): Promise<void> {
    this.#again.set(id, "running");
    this.#tell();
    try {
      const params = { scope: this.#scope, id };
      const { data } = await this.#client.request("kept.rerun", params, { isLong: true });
      this.#again.set(id, data);
    } catch (failed) {
      if (isQuiet(failed)) this.#again.delete(id);
      else this.#again.set(id, asRequestError(failed));
    }
    this.#tell();
  }

  async load(): Promise<void> {
    try {
      const { data } = await this.#client.request("kept.list", { scope: this.#scope, is_all: true });
      this.#found = data;
      this.#older.clear();
      this.#tell();
    } catch (failed) {
      this.#fail(failed);
    }
  }

  async #loadOlder(feature: number): Promise<void> {
    this.#older.set(feature, this.#found?.lines.filter((line) => line.feature === feature) ?? []);
    try {
      const { data } = await this.#client.request("kept.list", { scope: this.#scope, feature });
      this.#older.set(feature, data.lines);
      this.#tell();
    } catch (failed) {
      this.#fail(failed);
    }
  }

  async #change(method: "kept.remove" | "kept.undo", id: string): Promise<boolean> {
    try {
      await this.#client.request(method, { scope: this.#scope, id });
      this.#error = undefined;
      await this.load();
      return true;
    } catch (failed) {
      this.#fail(failed);
      return false;
    }
  }

  #fail(failed: unknown): void {
    if (isQuiet(failed)) return;
    this.#error = asRequestError(failed);
    this.#tell();
  }

  #watch(): () => void {
    void this.load();
    return this.#client.onNotify("notes", (data) => {
      const { scope, is_all, has_kept } = data as unknown as Noted;
      if (scope === this.#scope && (is_all || has_kept)) void this.load();
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const SHELVES = new WeakMap<Client, Map<string, Shelf>>();

/** The one shelf of a scope on a line. */
export function shelfOf(client: Client, scope: string): Shelf {
  const known = SHELVES.get(client) ?? new Map<string, Shelf>();
  SHELVES.set(client, known);
  const found = known.get(scope) ?? new Shelf(client, scope);
  known.set(scope, found);
  return found;
}
