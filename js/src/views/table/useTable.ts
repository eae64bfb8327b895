import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import { Pace } from "../../data/pace.js";
import type { TableQuery } from "../../data/query.js";
import { RowTable } from "../../data/table.js";
import type { Client, RequestError } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";

export interface Shown {
  table: RowTable;
  /** Why the rows of the newest query are not here: those before stay. */
  problem: RequestError | undefined;
  /** Whether the rows shown are those before. */
  isWaiting: boolean;
  retry: () => void;
}

/** The rows of a query; those before stay until the new ones are here, as they do when the index grows. */
export function useTable(
  client: Client,
  info: ScopeInfo,
  query: TableQuery,
  columns: readonly string[],
): Shown {
  const { id: scope, index } = info;
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const shown = useRef<RowTable | undefined>(undefined);
  const newest = useRef<RowTable | undefined>(undefined);
  const pace = useRef<Pace | undefined>(undefined);
  const version = versionOf(info);
  const key = useMemo(() => JSON.stringify(query), [query]);
  useEffect(() => {
    const next = new RowTable(client, scope, query, columns);
    let isGone = false;
    newest.current = next;
    next.onChange = () => {
      if (isGone) return;
      if (next.counts || !shown.current?.counts) shown.current = next;
      redraw(0);
    };
    const own = new Pace(() => next.refresh());
    pace.current = own;
    own.ask(version);
    return () => {
      isGone = true;
      own.stop();
    };
  }, [client, scope, index, key]);
  useEffect(() => pace.current?.ask(version), [version]);
  const names = columns.join();
  useEffect(() => newest.current?.setColumns(columns), [names]);
  useEffect(
    () =>
      client.onNotify("notes", (data) => {
        if (data["scope"] === scope) void newest.current?.refresh();
      }),
    [client, scope],
  );
  shown.current ??= new RowTable(client, scope, query, columns);
  const { current: table } = shown;
  const waiting = newest.current;
  return {
    table,
    problem: waiting === table ? undefined : waiting?.error,
    isWaiting: waiting !== undefined && waiting !== table && waiting.error === undefined,
    retry: () => waiting?.retry(),
  };
}
