import { useEffect, useReducer, useRef } from "preact/hooks";
import { Pace } from "../../data/pace.js";
import { RowTable, type TableQuery } from "../../data/table.js";
import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";

/** The rows of a query; those before stay until the new ones are here, as they do when the index grows. */
export function useTable(client: Client, info: ScopeInfo, query: TableQuery): RowTable {
  const { id: scope, index } = info;
  const { sort, descending, search, has_fired } = query;
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const shown = useRef<RowTable | undefined>(undefined);
  const pace = useRef<Pace | undefined>(undefined);
  const version = versionOf(info);
  useEffect(() => {
    const next = new RowTable(client, scope, { sort, descending, search, has_fired });
    let isGone = false;
    next.onChange = () => {
      if (isGone) return;
      shown.current = next;
      redraw(0);
    };
    const own = new Pace(() => next.refresh());
    pace.current = own;
    own.ask(version);
    return () => {
      isGone = true;
      own.stop();
    };
  }, [client, scope, index, sort, descending, search, has_fired]);
  useEffect(() => pace.current?.ask(version), [version]);
  shown.current ??= new RowTable(client, scope, query);
  return shown.current;
}
