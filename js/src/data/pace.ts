const GAP_MS = 1000;

/** Runs a job when its data is out of date: one run at a time, and at most one a second. */
export class Pace {
  readonly #run: () => Promise<void>;
  #version: string | undefined;
  #isAsked = false;
  #isRunning = false;
  #isStopped = false;
  #readyAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  /** The data is of this version now; a version asked for before starts nothing. */
  ask(version: string): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#isAsked = true;
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #next(): void {
    if (this.#isStopped || !this.#isAsked || this.#isRunning || this.#timer !== undefined) return;
    const wait_ms = this.#readyAt - performance.now();
    if (wait_ms > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#next();
      }, wait_ms);
      return;
    }
    this.#isAsked = false;
    this.#isRunning = true;
    this.#readyAt = performance.now() + GAP_MS;
    const done = () => {
      this.#isRunning = false;
      this.#next();
    };
    this.#run().then(done, done);
  }
}
