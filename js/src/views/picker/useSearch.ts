import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { SaeFilter, SaeRow, SaeRows } from "../../protocol/generated.js";
import { useAnswer } from "../shell/useAnswer.js";

export const PAGE = 100;

export interface Found {
  /** Counts and facets of the last answer. */
  head: SaeRows | undefined;
  row: (at: number) => SaeRow | undefined;
  /** Have the rows from `first` to `end` read. */
  show: (first: number, end: number) => void;
  isWaiting: boolean;
  error: RequestError | undefined;
  staleError: RequestError | undefined;
  refresh: () => void;
}

interface Shown {
  head: SaeRows;
  search: string;
  filter: SaeFilter;
  /** Rows by the number of their page. */
  pages: Map<number, SaeRow[]>;
}

/** The rows that match, a page at a time as they come into sight; the last answer stays until the next is here. */
export function useSearch(client: Client, search: string, filter: SaeFilter): Found {
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify([search.trim(), filter, turn]);
  const answer = useAnswer<Shown>(key, "", async ({ signal }) => {
    const params = { search: search.trim(), filter, offset: 0, count: PAGE, refresh: turn > 0 };
    const { data } = await client.request("registry.search", params, { slot: "saes", signal });
    return { head: data, search: search.trim(), filter, pages: new Map([[0, data.rows]]) };
  });
  const shown = answer.shown;
  const [, redraw] = useState(0);
  const asked = useRef(new Set<number>());
  const [failed, setFailed] = useState<RequestError>();
  useEffect(() => {
    asked.current = new Set([0]);
    setFailed(undefined);
  }, [shown]);
  const show = useCallback(
    (first: number, end: number) => {
      if (!shown) return;
      for (let page = Math.floor(first / PAGE); page * PAGE < end; page++) {
        if (asked.current.has(page) || page * PAGE >= shown.head.n_match) continue;
        const held = asked.current.add(page);
        const params = { search: shown.search, filter: shown.filter, offset: page * PAGE, count: PAGE };
        client.request("registry.search", params).then(
          ({ data }) => {
            shown.pages.set(page, data.rows);
            redraw((n) => n + 1);
          },
          (error) => {
            held.delete(page);
            if (!isQuiet(error)) setFailed(asRequestError(error));
          },
        );
      }
    },
    [client, shown],
  );
  const row = useCallback((at: number) => shown?.pages.get(Math.floor(at / PAGE))?.[at % PAGE], [shown]);
  const refresh = useCallback(() => setTurn((n) => n + 1), []);
  return useMemo(
    () => ({
      head: shown?.head,
      row,
      show,
      isWaiting: answer.isWaiting,
      error: answer.error,
      staleError: answer.staleError ?? failed,
      refresh,
    }),
    [shown, row, show, answer.isWaiting, answer.error, answer.staleError, failed, refresh],
  );
}
