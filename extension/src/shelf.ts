import type { IStateDB } from "@jupyterlab/statedb";
import type { ReadonlyPartialJSONValue } from "@lumino/coreutils";
import type { SavedState } from "./livePanel";

const MOST = 20;
const SAVE_AFTER_MS = 800;

type Entry = [key: string, state: SavedState];

/** What was done in the side bar, for each model, SAE, site and index: it outlives kernels and pages. */
export class Shelf {
  readonly #db: IStateDB | null;
  readonly #id: string;
  #entries = new Map<string, SavedState>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly ready: Promise<void>;

  constructor(db: IStateDB | null, id: string) {
    this.#db = db;
    this.#id = id;
    this.ready = this.#load();
  }

  get(key: string): SavedState | undefined {
    return key === "" ? undefined : this.#entries.get(key);
  }

  /** Keep a state; of more than twenty the one longest unused goes. */
  put(key: string, state: SavedState): void {
    if (key === "") return;
    this.#entries.delete(key);
    this.#entries.set(key, state);
    for (const old of [...this.#entries.keys()].slice(0, -MOST)) this.#entries.delete(old);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), SAVE_AFTER_MS);
  }

  async #load(): Promise<void> {
    try {
      const found = (await this.#db?.fetch(this.#id)) as { entries?: Entry[] } | undefined;
      this.#entries = new Map([...(found?.entries ?? []), ...this.#entries]);
    } catch {
      // what cannot be read was not saved
    }
  }

  #save(): void {
    const value = { entries: [...this.#entries] } as unknown as ReadonlyPartialJSONValue;
    this.#db?.save(this.#id, value as never)?.catch(() => {});
  }
}
