import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { Pace } from "../../data/pace.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { Health, ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";

export interface HealthAnswer {
  health: Health | undefined;
  /** Why there is nothing to show, or why what is shown could not be read anew. */
  error: RequestError | undefined;
  isWaiting: boolean;
  retry: () => void;
}

/** What the kernel says of the SAE's health; read anew as the index grows, and on `retry`. */
export function useHealth(client: Client, info: ScopeInfo): HealthAnswer {
  const { id: scope, index, has_index } = info;
  const version = versionOf(info);
  const [turn, retry] = useReducer((n: number) => n + 1, 0);
  const [health, setHealth] = useState<Health>();
  const [error, setError] = useState<RequestError>();
  const [isWaiting, setWaiting] = useState(true);
  const pace = useRef<Pace | undefined>(undefined);
  const shown = useRef(index);
  useEffect(() => {
    if (!has_index) return;
    const life = new AbortController();
    if (shown.current !== index) setHealth(undefined);
    shown.current = index;
    setWaiting(true);
    const own = new Pace(async () => {
      try {
        const { data } = await client.request(
          "health.get",
          { scope },
          { slot: "health", signal: life.signal },
        );
        if (life.signal.aborted) return;
        setHealth(data);
        setError(undefined);
        setWaiting(false);
      } catch (failed) {
        if (life.signal.aborted || isQuiet(failed)) return;
        setError(asRequestError(failed));
        setWaiting(false);
      }
    });
    pace.current = own;
    own.ask(version);
    return () => {
      own.stop();
      life.abort();
    };
  }, [client, scope, index, has_index, turn]);
  useEffect(() => pace.current?.ask(version), [version]);
  return { health, error, isWaiting, retry: () => retry(0) };
}
