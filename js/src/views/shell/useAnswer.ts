import { useCallback, useEffect, useReducer, useRef, useState } from "preact/hooks";
import { Pace } from "../../data/pace.js";
import { asRequestError, isQuiet, type RequestError } from "../../protocol/client.js";

/** How to ask: `tell` shows a part of the answer before the rest is here. */
export interface Asking<T> {
  signal: AbortSignal;
  version: string;
  tell: (part: T) => void;
}

export interface Answered<T> {
  /** The last answer; that of the question before stays until the new one is here. */
  shown: T | undefined;
  /** The key of the question that it answers. */
  key: string | undefined;
  error: RequestError | undefined;
  /** Why what is shown could not be read anew. */
  staleError: RequestError | undefined;
  isWaiting: boolean;
  retry: () => void;
}

/**
 * The answer to the question named by `key`; without one, nothing is asked.
 * When the version changes, as it does while an index grows, it is asked again and then shown at once.
 */
export function useAnswer<T>(
  key: string | undefined,
  version: string,
  ask: (asking: Asking<T>) => Promise<T>,
): Answered<T> {
  const [turn, again] = useReducer((n: number) => n + 1, 0);
  const [found, setFound] = useState<{ shown: T; key: string }>();
  const [error, setError] = useState<RequestError>();
  const [staleError, setStaleError] = useState<RequestError>();
  const [isWaiting, setWaiting] = useState(false);
  const retry = useCallback(() => again(0), []);
  const pace = useRef<Pace | undefined>(undefined);
  const latest = useRef(version);
  latest.current = version;
  useEffect(() => {
    setError(undefined);
    setStaleError(undefined);
    setWaiting(key !== undefined);
    if (key === undefined) return;
    const life = new AbortController();
    const { signal } = life;
    let isFirst = true;
    const show = (shown: T) => {
      if (!signal.aborted) setFound({ shown, key });
    };
    const load = async () => {
      try {
        const tell = (part: T) => isFirst && show(part);
        show(await ask({ signal, version: latest.current, tell }));
        isFirst = false;
        if (signal.aborted) return;
        setError(undefined);
        setStaleError(undefined);
      } catch (failed) {
        if (signal.aborted || isQuiet(failed)) return;
        (isFirst ? setError : setStaleError)(asRequestError(failed));
      }
      setWaiting(false);
    };
    const own = new Pace(load);
    pace.current = own;
    own.ask(latest.current);
    return () => {
      own.stop();
      life.abort();
    };
  }, [key, turn]);
  useEffect(() => pace.current?.ask(version), [version]);
  return { shown: found?.shown, key: found?.key, error, staleError, isWaiting, retry };
}
