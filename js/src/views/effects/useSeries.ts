import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { EffectMean, ExampleChange, SeriesParams, SeriesPart } from "../../protocol/generated.js";

/** Examples that were run, as far as they are. */
export interface Series {
  examples: readonly ExampleChange[];
  /** At the end. */
  summary: readonly EffectMean[];
  part: SeriesPart | undefined;
  isRunning: boolean;
  error: RequestError | undefined;
}

const NOTHING: Series = { examples: [], summary: [], part: undefined, isRunning: false, error: undefined };

/** Runs over examples: one at a time; what one has found stays when it is stopped, and is there again later. */
export function useSeries(client: Client, params: SeriesParams) {
  const key = JSON.stringify(params);
  const held = useRef(new Map<string, Series>());
  const life = useRef<{ key: string; own: AbortController }>(undefined);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const set = (part: Partial<Series>) => {
    held.current.set(key, { ...(held.current.get(key) ?? NOTHING), ...part });
    redraw(0);
  };
  const stop = () => life.current?.own.abort();
  useLayoutEffect(() => stop, [client]);
  useEffect(() => {
    if (life.current && life.current.key !== key) stop();
  }, [key]);
  const start = () => {
    stop();
    const own = new AbortController();
    life.current = { key, own };
    set({ ...NOTHING, isRunning: true });
    const examples: ExampleChange[] = [];
    const onEvent = (part: SeriesPart) => {
      if (own.signal.aborted) return;
      examples.push(part.example);
      set({ examples: [...examples], part });
    };
    client
      .request("effects.examples", params, { slot: "series", signal: own.signal, onEvent, isLong: true })
      .then(
        ({ data }) => set({ examples: data.examples, summary: data.summary, isRunning: false }),
        (failed: unknown) =>
          set({ isRunning: false, ...(isQuiet(failed) ? {} : { error: asRequestError(failed) }) }),
      );
  };
  return { series: held.current.get(key) ?? NOTHING, start, stop };
}
