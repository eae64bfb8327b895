import { useEffect, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { ExportDone, ExportRun, Progressing } from "../../protocol/generated.js";

/** An export that is under way, or how the last one ended. */
export interface RunState {
  kind: string;
  isRunning: boolean;
  progress?: Progressing;
  error?: RequestError;
  isStopped?: boolean;
  done?: ExportDone;
}

/** The export of a line: it goes on while the panel shows something else, and ends with the line. */
export class Run {
  state: RunState | undefined;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  #life: AbortController | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async start(params: ExportRun): Promise<void> {
    const { kind } = params;
    const life = new AbortController();
    this.#life = life;
    this.#set({ kind, isRunning: true });
    try {
      const { data } = await this.#client.request("share.export", params, {
        signal: life.signal,
        isLong: true,
        onEvent: (progress) => this.#life === life && this.#set({ kind, isRunning: true, progress }),
      });
      this.#set({ kind, isRunning: false, done: data });
    } catch (failed) {
      if (isQuiet(failed)) this.#set({ kind, isRunning: false, isStopped: true });
      else this.#set({ kind, isRunning: false, error: asRequestError(failed) });
    }
  }

  stop(): void {
    this.#life?.abort();
  }

  forget(): void {
    if (!this.state?.isRunning) this.#set(undefined);
  }

  #set(state: RunState | undefined): void {
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

const runs = new WeakMap<Client, Run>();

export function useRun(client: Client): Run {
  const run = runs.get(client) ?? new Run(client);
  runs.set(client, run);
  const [, redraw] = useState({});
  useEffect(() => run.listen(() => redraw({})), [run]);
  return run;
}
