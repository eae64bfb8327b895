const TOGETHER_MS = 800;
const MOST = 200;

export interface Entry {
  text: string;
  /** Where the cursor was. */
  at: number;
}

/** What a text was before: typing goes back in bursts, a text from elsewhere in one step. */
export class TextHistory {
  #entries: Entry[];
  #at = 0;
  #kind = "";
  #changedAt = 0;

  constructor(text: string) {
    this.#entries = [{ text, at: text.length }];
  }

  /** The text is so now; changes of one kind soon after each other are one. */
  add(text: string, at: number, kind: string): void {
    if (text === this.#entries[this.#at]?.text) return;
    const now = performance.now();
    const goesOn = kind !== "" && kind === this.#kind && now - this.#changedAt < TOGETHER_MS && this.#at > 0;
    this.#entries = [...this.#entries.slice(0, this.#at + (goesOn ? 0 : 1)), { text, at }].slice(-MOST);
    this.#at = this.#entries.length - 1;
    this.#kind = kind;
    this.#changedAt = now;
  }

  undo(): Entry | undefined {
    return this.#go(-1);
  }

  redo(): Entry | undefined {
    return this.#go(1);
  }

  #go(step: 1 | -1): Entry | undefined {
    const found = this.#entries[this.#at + step];
    if (!found) return undefined;
    this.#at += step;
    this.#kind = "";
    return found;
  }
}
