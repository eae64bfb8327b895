const KEPT = 32;

interface Answer<T> {
  end: Promise<T>;
  value?: T;
}

/** Answers that were asked for before they are wanted. Failures are not kept. */
export class Ahead<T> {
  readonly #answers = new Map<string, Answer<T>>();
  #isBusy = false;
  #next: (() => void) | undefined;

  /** The answer, where it is here. */
  value(key: string): T | undefined {
    return this.#answers.get(key)?.value;
  }

  /** The answer that is here or on its way; nothing where it was not asked for. */
  answer(key: string): Promise<T> | undefined {
    return this.#answers.get(key)?.end;
  }

  /** Ask now, unless it was asked before. */
  ask(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known) {
      // what was used last goes last
      this.#answers.delete(key);
      this.#answers.set(key, known);
      return known.end;
    }
    const made: Answer<T> = { end: ask() };
    this.#answers.set(key, made);
    made.end.then(
      (value) => {
        made.value = value;
      },
      () => this.#answers.get(key) === made && this.#answers.delete(key),
    );
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > KEPT && oldest !== undefined) this.#answers.delete(oldest);
    return made.end;
  }

  /** Ask when nothing else is being asked for in this way; of those that wait the last is asked. */
  expect(key: string, ask: () => Promise<T>): void {
    if (this.#answers.has(key)) return;
    if (this.#isBusy) {
      this.#next = () => this.expect(key, ask);
      return;
    }
    this.#isBusy = true;
    const done = () => {
      this.#isBusy = false;
      const next = this.#next;
      this.#next = undefined;
      next?.();
    };
    this.ask(key, ask).then(done, done);
  }
}
