import { useEffect, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { SaeLoaded, SaeLoading } from "../../protocol/generated.js";

/** A loading that is under way, or how the last one ended. */
export interface LoadState {
  spec: string;
  isRunning: boolean;
  progress?: SaeLoading;
  error?: RequestError;
  isStopped?: boolean;
  done?: SaeLoaded;
}

/** The loading of a line: one at a time. */
export class Loading {
  state: LoadState | undefined;
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

  async start(spec: string, model: string, panel: string): Promise<void> {
    this.#life?.abort();
    const life = new AbortController();
    this.#life = life;
    const set = (state: Omit<LoadState, "spec">) => this.#life === life && this.#set({ spec, ...state });
    set({ isRunning: true });
    try {
      const { data } = await this.#client.request(
        "registry.load",
        { spec, model, panel },
        {
          signal: life.signal,
          isLong: true,
          onEvent: (progress) => set({ isRunning: true, progress }),
        },
      );
      set({ isRunning: false, done: data });
    } catch (failed) {
      if (isQuiet(failed)) set({ isRunning: false, isStopped: true });
      else set({ isRunning: false, error: asRequestError(failed) });
    }
  }

  stop(): void {
    this.#life?.abort();
  }

  #set(state: LoadState): void {
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

const all = new WeakMap<Client, Loading>();

export function useLoading(client: Client): Loading {
  const loading = all.get(client) ?? new Loading(client);
  all.set(client, loading);
  const [, redraw] = useState({});
  useEffect(() => loading.listen(() => redraw({})), [loading]);
  return loading;
}
