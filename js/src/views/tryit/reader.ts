import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { TextStage } from "../../protocol/generated.js";
import { Tried } from "./tried.js";

/** Least time between the starts of two readings. */
export const PACE_MS = 150;
/** A reading that has taken so long is given up for a newer text. */
const GIVE_UP_MS = 3000;

interface Wanted {
  text: string;
  cuts: boolean;
}

/** Reads a text as it is typed: one request at a time, and the newest text next. */
export class TextReader {
  tried: Tried | undefined;
  /** Why the newest text could not be read. */
  error: RequestError | undefined;
  stage: TextStage | undefined;
  readonly #client: Client;
  readonly #scope: string;
  readonly #onChange: () => void;
  #wanted: Wanted | undefined;
  #running: { wanted: Wanted; life: AbortController; since: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(client: Client, scope: string, onChange: () => void) {
    this.#client = client;
    this.#scope = scope;
    this.#onChange = onChange;
  }

  /** Whether a newer text than the one shown is on its way. */
  get isWaiting(): boolean {
    return this.#wanted !== undefined || this.#running !== undefined;
  }

  /** Read this text; an empty one shows nothing. */
  want(text: string, cuts = false): void {
    this.#wanted = text === "" ? undefined : { text, cuts };
    if (text === "") {
      this.#running?.life.abort();
      this.tried = undefined;
      this.error = undefined;
    }
    this.#next();
    this.#onChange();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#running?.life.abort();
  }

  #next(): void {
    const wanted = this.#wanted;
    if (this.#isStopped || !wanted || this.#timer !== undefined) return;
    const now = performance.now();
    if (this.#running) {
      const left_ms = this.#running.since + GIVE_UP_MS - now;
      if (left_ms <= 0) this.#running.life.abort();
      else this.#later(left_ms);
      return;
    }
    const wait_ms = this.#sentAt + PACE_MS - now;
    if (wait_ms > 0) {
      this.#later(wait_ms);
      return;
    }
    this.#wanted = undefined;
    void this.#read(wanted);
  }

  #later(wait_ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#next();
    }, wait_ms);
  }

  async #read(wanted: Wanted): Promise<void> {
    const life = new AbortController();
    const since = performance.now();
    this.#sentAt = since;
    this.#running = { wanted, life, since };
    const { text, cuts } = wanted;
    const onEvent = (stage: TextStage) => {
      if (life.signal.aborted) return;
      this.stage = stage;
      this.#onChange();
    };
    try {
      const { data, buffers } = await this.#client.request(
        "text.read",
        { scope: this.#scope, text, cuts },
        { slot: "text", signal: life.signal, onEvent, isLong: true },
      );
      if (life.signal.aborted) return;
      this.tried = new Tried(text, data, buffers);
      this.error = undefined;
    } catch (failed) {
      if (!isQuiet(failed)) this.error = asRequestError(failed);
    } finally {
      this.#running = undefined;
      this.stage = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#next();
      if (!this.#isStopped) this.#onChange();
    }
  }
}
