import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { RowTable } from "../../data/table.js";
import type { Client } from "../../protocol/client.js";

/** The row to bring into sight; `nMoves` tells one wish from the next. */
export interface Place {
  row: number | undefined;
  nMoves: number;
}

interface Placing {
  place: Place;
  /** The open feature's row, where the next step starts. */
  target: RefObject<number | undefined>;
  move: (row: number | undefined) => void;
}

/** Whether rows were sorted or filtered anew: they are read from their top, and not from the open feature on. */
function isAnotherList(before: RowTable, { query, counts }: RowTable): boolean {
  const isSorted = before.query.sort !== query.sort || before.query.descending !== query.descending;
  return isSorted || counts?.n_match !== counts?.n_features;
}

/** Where the open feature stands in the table. Rows that were only read anew are not scrolled. */
export function usePlace(
  client: Client,
  scope: string,
  feature: number | undefined,
  table: RowTable,
): Placing {
  const [place, setPlace] = useState<Place>({ row: undefined, nMoves: 0 });
  const target = useRef<number | undefined>(undefined);
  const followed = useRef({ feature, table });
  const move = (row: number | undefined) => {
    target.current = row;
    setPlace(({ nMoves }) => ({ row, nMoves: nMoves + 1 }));
  };
  useEffect(() => {
    if (feature === undefined || !table.counts) return;
    const isMove = followed.current.feature !== feature || followed.current.table !== table;
    const before = followed.current.table;
    if (before !== table && before.counts && isAnotherList(before, table)) {
      followed.current = { feature, table };
      move(undefined);
      target.current = table.isAt(0, feature) ? 0 : -1;
      return;
    }
    const settle = (row: number | undefined) => {
      followed.current = { feature, table };
      target.current = row;
      if (isMove) move(row);
    };
    if (table.isAt(target.current, feature)) return settle(target.current);
    const life = new AbortController();
    client
      .request("features.locate", { scope, feature, ...table.query }, { slot: "locate", signal: life.signal })
      .then(({ data }) => settle(data.row ?? undefined))
      .catch(() => {});
    return () => life.abort();
  }, [client, scope, feature, table, table.version]);
  return { place, target, move };
}
