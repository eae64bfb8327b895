import { useEffect, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { Document } from "../../protocol/generated.js";

const AROUND = 1000;

export interface DocumentAnswer {
  /** Stretches of the document that follow on each other. */
  parts: Document[];
  error: RequestError | undefined;
  /** Tokens that are not loaded yet, before and after. */
  n_before: number;
  n_after: number;
  more: (side: "before" | "after") => void;
}

/** A document round a row: at first what is near, more on demand. */
export function useDocument(
  client: Client,
  scope: string,
  row: number,
  feature: number | undefined,
): DocumentAnswer {
  const [parts, setParts] = useState<Document[]>([]);
  const [error, setError] = useState<RequestError>();
  const life = useRef<AbortController | undefined>(undefined);
  const busy = useRef(new Set<string>());
  const ask = (at: number, before: number, after: number) =>
    client
      .request(
        "document.get",
        { scope, row: at, before, after, ...(feature !== undefined && { feature }) },
        { ...(life.current && { signal: life.current.signal }) },
      )
      .then(({ data }) => data);
  const fail = (failed: unknown) => {
    if (!isQuiet(failed)) setError(asRequestError(failed));
  };
  useEffect(() => {
    life.current = new AbortController();
    const { signal } = life.current;
    setParts([]);
    setError(undefined);
    busy.current.clear();
    ask(row, AROUND, AROUND).then((found) => !signal.aborted && setParts([found]), fail);
    return () => life.current?.abort();
  }, [client, scope, row, feature]);
  const first = parts[0];
  const last = parts.at(-1);
  const n_before = first?.start ?? 0;
  const n_after = last ? last.n_tokens - last.start - last.tokens.length : 0;
  const more = (side: "before" | "after") => {
    if (!first || !last || busy.current.has(side) || (side === "before" ? n_before : n_after) <= 0) return;
    const { signal } = life.current ?? {};
    busy.current.add(side);
    const isBefore = side === "before";
    ask(
      isBefore ? first.row - 1 : last.row + last.tokens.length,
      isBefore ? AROUND : 0,
      isBefore ? 0 : AROUND,
    )
      .then((found) => {
        if (!signal?.aborted) setParts((known) => (isBefore ? [found, ...known] : [...known, found]));
      }, fail)
      .finally(() => busy.current.delete(side));
  };
  return { parts, error, n_before, n_after, more };
}
