import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { PromptParams, PromptStage } from "../../protocol/generated.js";
import { aligned, keyOf, PromptData, type Wanted } from "./data.js";

const TYPING_MS = 250;

/** Something that is being computed for a text. */
export interface Work {
  method: string;
  done: number;
  total: number;
  facts: Record<string, number>;
  since_ms: number;
}

let nReaders = 0;

/** Runs one text, then has its features' figures: those of one pass by themselves, others when asked for. */
export class PromptReader {
  prompt: PromptData | undefined;
  /** Why the newest text could not be run, and why figures could not be had. */
  error: RequestError | undefined;
  problem: RequestError | undefined;
  stage: PromptStage | undefined;
  /** Changes with everything above. */
  version = 0;
  /** A person stopped the work on this text. */
  isHalted = false;
  readonly work = new Map<string, Work>();
  readonly #client: Client;
  readonly #scope: string;
  readonly #slot = `prompt-${nReaders++}`;
  readonly #onChange: () => void;
  #wanted: Wanted | undefined;
  #key = "";
  #life = new AbortController();
  #verifying: { life: AbortController; features: Set<number>; at: number | undefined } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client, scope: string, onChange: () => void) {
    this.#client = client;
    this.#scope = scope;
    this.#onChange = onChange;
  }

  /** Whether a newer text than the one shown is on its way. */
  get isWaiting(): boolean {
    return this.#wanted !== undefined && this.error === undefined && this.prompt?.key !== this.#key;
  }

  get isWorking(): boolean {
    return this.work.size > 0;
  }

  /** Run this text; an empty one shows nothing. */
  want(wanted: Wanted): void {
    const key = wanted.text === "" ? "" : keyOf(wanted);
    if (key === this.#key) return;
    const isTyped = this.#wanted !== undefined && this.#wanted.text !== wanted.text;
    this.#begin(key, wanted, isTyped ? TYPING_MS : 0);
  }

  retry(): void {
    if (this.#wanted) this.#begin(this.#key, this.#wanted, 0);
  }

  /** Have a method's figures of all pairs. */
  estimate(method: string): void {
    const prompt = this.prompt;
    if (!prompt || prompt.key !== this.#key || this.problem || this.isHalted) return;
    if (method === "exact" || prompt.figures.has(method) || this.work.has(method)) return;
    void this.#attribute(prompt, method);
  }

  /** Have the exact effects of features at a position, or at all; those given first come first. */
  verify(features: readonly number[], at: number | undefined): void {
    const prompt = this.prompt;
    if (!prompt || prompt.key !== this.#key || this.isHalted || this.problem) return;
    const missing = features.filter((feature) => prompt.exact(feature, at) === undefined);
    const running = this.#verifying;
    if (running && running.at === at && missing.every((feature) => running.features.has(feature))) return;
    running?.life.abort();
    this.#verifying = undefined;
    if (missing.length > 0) void this.#verify(prompt, missing, at);
    else this.#finish("exact");
  }

  /** Give up what is being computed. */
  halt(): void {
    this.isHalted = true;
    this.#life.abort();
    this.#life = new AbortController();
    this.#verifying?.life.abort();
    this.#verifying = undefined;
    this.work.clear();
    this.#tell();
  }

  /** Go on where it was stopped, or failed. */
  resume(): void {
    this.isHalted = false;
    this.problem = undefined;
    this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#life.abort();
    this.#verifying?.life.abort();
  }

  #begin(key: string, wanted: Wanted, wait_ms: number): void {
    this.close();
    this.#life = new AbortController();
    this.#verifying = undefined;
    this.work.clear();
    this.#wanted = wanted;
    this.#key = key;
    this.error = this.problem = this.stage = undefined;
    this.isHalted = false;
    if (key === "") this.prompt = undefined;
    else this.#timer = setTimeout(() => void this.#read(key, wanted), wait_ms);
    this.#tell();
  }

  #params({ text, aim }: Wanted): PromptParams {
    return {
      scope: this.#scope,
      text,
      ...(aim.target ? { target: aim.target.token } : {}),
      ...(aim.contrast ? { contrast: aim.contrast.token } : {}),
    } as PromptParams;
  }

  async #read(key: string, wanted: Wanted): Promise<void> {
    const { signal } = this.#life;
    const onEvent = (stage: PromptStage) => {
      if (signal.aborted) return;
      this.stage = stage;
      this.#tell();
    };
    try {
      const { data, buffers } = await this.#client.request("prompt.read", this.#params(wanted), {
        slot: this.#slot,
        signal,
        onEvent,
        isLong: true,
      });
      if (signal.aborted) return;
      this.prompt = new PromptData(key, data, buffers);
      this.stage = undefined;
      this.estimate("gradient");
    } catch (failed) {
      if (signal.aborted || isQuiet(failed)) return;
      this.error = asRequestError(failed);
      this.stage = undefined;
    }
    this.#tell();
  }

  async #attribute(prompt: PromptData, method: string): Promise<void> {
    const { signal } = this.#life;
    const isMany = prompt.method(method)?.costs === "many";
    const work = this.#start(method, 0);
    try {
      const { data, buffers } = await this.#client.request(
        isMany ? "prompt.refine" : "prompt.attribute",
        { ...this.#params(this.#wanted as Wanted), method },
        {
          slot: `${this.#slot}-${method}`,
          signal,
          isLong: true,
          onEvent: ({ done, total, facts }: PromptStage) => {
            if (signal.aborted || total === 0) return;
            Object.assign(work, { done, total, facts });
            this.#tell();
          },
        },
      );
      if (signal.aborted) return;
      this.#finish(method);
      const [buffer] = buffers;
      if (data.n_pairs !== prompt.nPairs || !buffer) return this.retry();
      prompt.figures.set(method, new Float32Array(aligned(buffer)));
      prompt.facts.set(method, data.facts);
    } catch (failed) {
      if (signal.aborted) return;
      this.#finish(method);
      if (!isQuiet(failed)) this.problem = asRequestError(failed);
    }
    this.#tell();
  }

  async #verify(prompt: PromptData, features: number[], at: number | undefined): Promise<void> {
    const life = new AbortController();
    const own = { life, features: new Set(features), at };
    this.#verifying = own;
    const work = this.#start("exact", features.length);
    const take = (found: { features: number[]; values: number[] }) => {
      for (const [i, feature] of found.features.entries())
        prompt.setExact(feature, at, found.values[i] ?? Number.NaN);
      this.#tell();
    };
    try {
      const { data } = await this.#client.request(
        "prompt.exact",
        { ...this.#params(this.#wanted as Wanted), features, ...(at === undefined ? {} : { pos: at }) },
        {
          slot: `${this.#slot}-exact`,
          signal: life.signal,
          isLong: true,
          onEvent: (rows) => {
            if (life.signal.aborted) return;
            Object.assign(work, { done: rows.done, total: rows.total });
            take(rows);
          },
        },
      );
      if (life.signal.aborted) return;
      this.#finish("exact");
      this.#verifying = undefined;
      take(data);
    } catch (failed) {
      if (life.signal.aborted) return;
      this.#finish("exact");
      this.#verifying = undefined;
      if (!isQuiet(failed)) this.problem = asRequestError(failed);
      this.#tell();
    }
  }

  #start(method: string, total: number): Work {
    const work: Work = { method, done: 0, total, facts: {}, since_ms: performance.now() };
    this.work.set(method, work);
    this.#tell();
    return work;
  }

  #finish(method: string): void {
    if (this.work.delete(method)) this.#tell();
  }

  #tell(): void {
    this.version++;
    this.#onChange();
  }
}
