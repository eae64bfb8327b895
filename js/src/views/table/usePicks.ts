import { useMemo, useRef, useState } from "preact/hooks";
import { download } from "../../data/download.js";
import { count } from "../../data/format.js";
import { defaultSort, NO_FILTER, type TableQuery } from "../../data/query.js";
import type { Shared } from "../../data/shared.js";
import type { RowTable } from "../../data/table.js";
import { asRequestError, type Client, isQuiet } from "../../protocol/client.js";

export const MAX_PICKED = 100_000;

export interface Picks {
  picked: ReadonlySet<number>;
  toggle: (feature: number, row: number | undefined, isRange: boolean) => void;
  pickAll: () => void;
  save: (isPickedOnly: boolean) => Promise<void>;
  /** What came of it. */
  told: string;
  tell: (text: string) => void;
}

/** Marks on features, shared with the map and with Python, and what is done with all of them. */
export function usePicks(
  client: Client,
  scope: string,
  shared: Shared,
  table: RowTable,
  query: TableQuery,
  columns: readonly string[],
): Picks {
  const picked = useMemo(() => new Set(shared.picked), [shared.picked]);
  const anchor = useRef<number | undefined>(undefined);
  const [told, setTold] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const tell = (text: string) => {
    clearTimeout(timer.current);
    setTold(text);
    if (text) timer.current = setTimeout(() => setTold(""), 8000);
  };
  const fail = (error: unknown) => {
    const failure = asRequestError(error);
    if (!isQuiet(failure)) tell(`${failure.message} ${failure.hint}`.trim());
  };
  const add = (features: readonly number[]) => {
    const all = [...new Set([...shared.picked, ...features])];
    if (all.length > MAX_PICKED)
      return tell(`at most ${count(MAX_PICKED)} features can be marked: filter first`);
    shared.pick(all);
  };
  const toggle = (feature: number, row: number | undefined, isRange: boolean) => {
    const from = anchor.current;
    anchor.current = row;
    if (!isRange || from === undefined || row === undefined || from === row)
      return shared.togglePicked(feature);
    const [first, last] = [Math.min(from, row), Math.max(from, row)];
    table.numbers(first, Math.min(last - first + 1, MAX_PICKED)).then(add, fail);
  };
  const pickAll = () => {
    const n = table.counts?.n_match ?? 0;
    if (n > MAX_PICKED)
      return tell(`${count(n)} match, and at most ${count(MAX_PICKED)} can be marked: filter first`);
    table.numbers(0, n).then(add, fail);
  };
  const save = async (isPickedOnly: boolean) => {
    const filter = isPickedOnly ? { ...NO_FILTER, only: [...shared.picked] } : query.filter;
    const { sort, descending } = isPickedOnly && query.sort === "n_hits" ? defaultSort(NO_FILTER) : query;
    const params = { scope, columns: [...columns], sort, descending, filter };
    try {
      const { data, buffers } = await client.request("features.export", params, { slot: "export" });
      if (buffers[0]) download(data.name, buffers[0], "text/csv");
      tell(`${count(data.n_rows)} rows saved`);
    } catch (error) {
      fail(error);
    }
  };
  return { picked, toggle, pickAll, save, told, tell };
}
