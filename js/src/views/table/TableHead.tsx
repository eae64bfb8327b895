import { useEffect, useState } from "preact/hooks";
import type { TableQuery } from "../../data/table.js";

const SEARCH_AFTER_MS = 120;

interface Column {
  label: string;
  name: string;
  sort?: string;
  title: string;
}

const COLUMNS: Column[] = [
  { label: "#", name: "feature", sort: "feature", title: "The feature's number." },
  { label: "top tokens", name: "tokens", title: "The tokens on which the feature is strongest." },
  {
    label: "density",
    name: "density",
    sort: "density",
    title: "The share of tokens on which the feature fires.",
  },
  { label: "max", name: "max", sort: "max", title: "The largest activation in the indexed text." },
  {
    label: "histogram",
    name: "bins",
    title: "How many tokens have each activation, 0 to max, on a log scale.",
  },
];

interface Props {
  query: TableQuery;
  change: (query: Partial<TableQuery>) => void;
  isReadOnly: boolean;
}

/** The column heads; a click on a head sorts, a second one turns the order round. */
export function TableHead({ query, change, isReadOnly }: Props) {
  const sortBy = (sort: string) =>
    change({ sort, descending: query.sort === sort ? !query.descending : sort !== "feature" });
  return (
    <div class="ss-row ss-head" role="row">
      {COLUMNS.map(({ label, name, sort, title }) => (
        <div key={name} class={`ss-${name}`} role="columnheader" aria-sort={order(query, sort)} title={title}>
          {sort && !isReadOnly ? (
            <button type="button" onClick={() => sortBy(sort)}>
              {label}
              {query.sort === sort && <span aria-hidden="true">{query.descending ? " ↓" : " ↑"}</span>}
            </button>
          ) : (
            label
          )}
        </div>
      ))}
    </div>
  );
}

function order(query: TableQuery, sort: string | undefined): "none" | "ascending" | "descending" | undefined {
  if (!sort) return undefined;
  if (query.sort !== sort) return "none";
  return query.descending ? "descending" : "ascending";
}

/** Filters the table in the kernel, a moment after the last key. */
export function SearchBox({ search, change }: { search: string; change: Props["change"] }) {
  const [text, setText] = useState(search);
  useEffect(() => setText(search), [search]);
  useEffect(() => {
    if (text === search) return;
    const timer = setTimeout(() => change({ search: text }), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      class="ss-search"
      type="search"
      data-box="search"
      placeholder="/ search numbers and tokens"
      aria-label="Search features"
      value={text}
      onInput={(e) => setText(e.currentTarget.value)}
    />
  );
}
