import { useMemo, useRef } from "preact/hooks";
import { filtered, type Range, readQuery, type TableQuery, withoutRange } from "../../data/query.js";
import type { TableFilter } from "../../protocol/generated.js";
import type { Mode } from "./SearchBar.js";
import type { TableProps } from "./state.js";
import { useList } from "./useLists.js";

export interface Query {
  /** As a person set it. */
  query: TableQuery;
  /** As the kernel is asked: with the features marked, or of a list. */
  asked: TableQuery;
  change: (query: TableQuery) => void;
  refilter: (part: Partial<TableFilter>) => void;
  setRange: (name: string, range: Range | undefined) => void;
  clear: () => void;
  mode: Mode;
  setMode: (mode: Mode) => void;
}

/** The order and the filter of a table, and ways to change them. */
export function useQuery({ client, info, shared, state, update }: TableProps): Query {
  const query = useMemo(() => readQuery(state.query), [state.query]);
  const listed = useList(client, info.id, state.list);
  const only = state.isOnlyPicked ? shared.picked : listed;
  const asked = useMemo(
    () => (only ? { ...query, filter: { ...query.filter, only: [...only] } } : query),
    [query, only],
  );
  // what was changed since the last drawing counts: two changes may come between two of them
  const latest = useRef(query);
  latest.current = query;
  const change = (next: TableQuery) => {
    latest.current = next;
    update({ query: next });
  };
  const refilter = (part: Partial<TableFilter>) => change(filtered(latest.current, part));
  const setRange = (name: string, range: Range | undefined) => {
    const { ranges } = withoutRange(latest.current.filter, name);
    refilter({ ranges: range ? { ...ranges, [name]: range } : ranges });
  };
  const clear = () => {
    update({ isOnlyPicked: false, isFiresOn: false, isWords: false, list: undefined });
    refilter(readQuery({}).filter);
  };
  const setMode = (next: Mode) => {
    update({ isFiresOn: next === "fires_on", isWords: next === "words" });
    const { search, words } = latest.current.filter;
    // what is typed goes along between a search and words
    if (next === "words") refilter({ words: words || search, search: "" });
    else if (next !== "fires_on")
      refilter({ looks_in: next, ...(words ? { search: search || words, words: "" } : {}) });
  };
  const mode: Mode = state.isFiresOn ? "fires_on" : state.isWords ? "words" : query.filter.looks_in;
  return { query, asked, change, refilter, setRange, clear, mode, setMode };
}
