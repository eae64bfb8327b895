/** What a person types and has not saved: kept in the browser too, so that no lost kernel takes it along. */
export type DraftField = "label" | "remark" | "tags" | "confidence";

export interface Draft {
  text: string;
  /** The version of the note that it was begun on. */
  base: number;
}

const PREFIX = "saescope-draft";

/** The drafts of one scope, by feature and field. */
export class Drafts {
  readonly #key: string;
  readonly #known = new Map<string, Draft | undefined>();

  /** `key` is the scope's, which is the same after a restart of the kernel. */
  constructor(key: string) {
    this.#key = key;
  }

  get(feature: number, field: DraftField): Draft | undefined {
    const name = `${feature}/${field}`;
    if (!this.#known.has(name)) this.#known.set(name, this.#stored(name));
    return this.#known.get(name);
  }

  set(feature: number, field: DraftField, draft: Draft | undefined): void {
    const name = `${feature}/${field}`;
    this.#known.set(name, draft);
    try {
      if (draft) localStorage.setItem(this.#place(name), JSON.stringify(draft));
      else localStorage.removeItem(this.#place(name));
    } catch {
      // no storage, or it is full: the draft lives as long as the page
    }
  }

  #place(name: string): string {
    return `${PREFIX}/${this.#key}/${name}`;
  }

  #stored(name: string): Draft | undefined {
    try {
      const found = JSON.parse(localStorage.getItem(this.#place(name)) ?? "null") as Draft | null;
      return typeof found?.text === "string" && typeof found.base === "number" ? found : undefined;
    } catch {
      return undefined;
    }
  }
}
