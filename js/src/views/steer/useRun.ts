import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import { Live, textsOf } from "./live.js";
import { type Plan, paramsOf, type Run } from "./state.js";

export interface Running {
  /** The run that goes on now. */
  live: Live | undefined;
  error: RequestError | undefined;
  run: (plan: Plan) => void;
  stop: () => void;
}

/** Lets the model write, one run at a time; what was written when it is stopped stays. */
export function useRun(client: Client, scope: string, keep: (run: Run) => void): Running {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [live, setLive] = useState<Live>();
  const [error, setError] = useState<RequestError>();
  const life = useRef<AbortController>(undefined);
  const latest = useRef(keep);
  latest.current = keep;
  useLayoutEffect(() => () => life.current?.abort(), []);
  useEffect(() => setError(undefined), [scope]);
  const run = (plan: Plan) => {
    life.current?.abort();
    const own = new AbortController();
    life.current = own;
    const begun = new Live(plan);
    setError(undefined);
    setLive(begun);
    const isMine = () => life.current === own;
    client
      .request("steer.run", paramsOf(plan, scope), {
        signal: own.signal,
        isLong: true,
        onEvent: (event) => {
          begun.take(event);
          if (isMine()) redraw(0);
        },
      })
      .then(
        ({ data }) => latest.current({ plan, texts: textsOf(data) }),
        (failed) => {
          if (begun.hasBegun) latest.current({ plan, texts: begun.texts("stopped") });
          if (isMine() && !isQuiet(failed)) setError(asRequestError(failed));
        },
      )
      .finally(() => {
        if (isMine()) setLive(undefined);
      });
  };
  return { live, error, run, stop: () => life.current?.abort() };
}
