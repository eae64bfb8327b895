import { useEffect, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { ExportDone, LabelsMade, Progressing } from "../../protocol/generated.js";

/** A long task that is under way, or how the last one ended. */
export interface RunState<Done> {
  kind: string;
  isRunning: boolean;
  progress?: Progressing;
  error?: RequestError;
  isStopped?: boolean;
  done?: Done;
}

interface TaskOptions {
  signal: AbortSignal;
  isLong: true;
  onEvent: (progress: Progressing) => void;
}

type Ask<Done> = (options: TaskOptions) => Promise<{ data: Done }>;

/** A long task of a line: it goes on while the panel shows something else, and ends with the line. */
export class Run<Done> {
  state: RunState<Done> | undefined;
  readonly #listeners = new Set<() => void>();
  #life: AbortController | undefined;

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async start(kind: string, ask: Ask<Done>): Promise<void> {
    const life = new AbortController();
    this.#life = life;
    this.#set({ kind, isRunning: true });
    try {
      const { data } = await ask({
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

  #set(state: RunState<Done> | undefined): void {
    this.state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

const exports = new WeakMap<Client, Run<ExportDone>>();
const labelings = new WeakMap<Client, Run<LabelsMade>>();

function useRunOf<Done>(runs: WeakMap<Client, Run<Done>>, client: Client): Run<Done> {
  const run = runs.get(client) ?? new Run<Done>();
  runs.set(client, run);
  const [, redraw] = useState({});
  useEffect(() => run.listen(() => redraw({})), [run]);
  return run;
}

/** The export of a line. */
export const useRun = (client: Client): Run<ExportDone> => useRunOf(exports, client);

/** The labeling of a line. */
export const useLabeling = (client: Client): Run<LabelsMade> => useRunOf(labelings, client);
