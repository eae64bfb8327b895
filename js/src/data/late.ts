/** Passes on the newest of what comes, once it has waited a while: what is whole by then is not drawn in parts. */
export class Late<T> {
  readonly #pass: (value: T) => void;
  readonly #wait_ms: number;
  #value: T | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(pass: (value: T) => void, wait_ms: number) {
    this.#pass = pass;
    this.#wait_ms = wait_ms;
  }

  tell(value: T): void {
    this.#value = value;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#value !== undefined) this.#pass(this.#value);
    }, this.#wait_ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
