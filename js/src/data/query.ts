import type { TableFilter } from "../protocol/generated.js";
import { count, density, number } from "./format.js";

/** Which rows, in which order. */
export interface TableQuery {
  sort: string;
  descending: boolean;
  filter: TableFilter;
}

export type Range = [low: number | null, high: number | null];

export const NO_FILTER: TableFilter = {
  search: "",
  looks_in: "everything",
  is_regex: false,
  fires_on: "",
  words: "",
  ranges: {},
  statuses: [],
  tags: [],
  hides_dead: false,
  hides_dense: false,
  hides_single_token: false,
  only: null,
};

/** Where a search can look, and what each place is called. */
export const PLACES: Record<TableFilter["looks_in"], string> = {
  everything: "everything",
  label: "labels",
  remark: "remarks",
  tags: "tags",
  layer: "labels from elsewhere",
  top_tokens: "top tokens",
  promoted: "promoted tokens",
  suppressed: "suppressed tokens",
};

/** The order that a table has of itself: the most examples with the text, the best for words, else the largest activation. */
export function defaultSort(filter: TableFilter): { sort: string; descending: boolean } {
  return { sort: filter.fires_on ? "n_hits" : filter.words.trim() ? "rank" : "max", descending: true };
}

/** A query with another filter; its order stays where it can. */
export function filtered(query: TableQuery, part: Partial<TableFilter>): TableQuery {
  const filter = { ...query.filter, ...part };
  const was = defaultSort(query.filter);
  const hadDefault = query.sort === was.sort && query.descending === was.descending;
  const hasNoColumn =
    (query.sort === "n_hits" && !filter.fires_on) || (query.sort === "rank" && !filter.words.trim());
  return { ...query, filter, ...(hadDefault || hasNoColumn ? defaultSort(filter) : {}) };
}

/** A query as it was saved, by this version or an older one. */
export function readQuery(saved: Partial<TableQuery> | undefined): TableQuery {
  const filter = { ...NO_FILTER, ...saved?.filter };
  return { ...defaultSort(filter), ...saved, filter };
}

/** Without one column's range: what its histogram shows. */
export function withoutRange(filter: TableFilter, column: string): TableFilter {
  const { [column]: _, ...ranges } = filter.ranges;
  return { ...filter, ranges };
}

/** A value of a column of numbers, as a person reads it. */
export function shown(column: string, value: number): string {
  if (column === "density") return density(value);
  return column === "n_fires" || column === "feature" ? count(value) : number(value);
}

/** A range in words: `0.10 % to 5.0 %`. */
export function rangeText(column: string, [low, high]: readonly (number | null)[]): string {
  if (low != null && high != null) return `${shown(column, low)} to ${shown(column, high)}`;
  if (low != null) return `at least ${shown(column, low)}`;
  return high != null ? `at most ${shown(column, high)}` : "any";
}

/** The Python call that gives the same rows in the same order. */
export function codeOf(
  { sort, descending, filter }: TableQuery,
  isOnlyPicked: boolean,
  list?: string,
): string {
  const { search, looks_in, is_regex, fires_on, words, ranges, statuses, tags, only } = filter;
  const usual = defaultSort(filter);
  const pairs = Object.entries(ranges).map(
    ([name, [low, high]]) => `${quoted(name)}: (${py(low)}, ${py(high)})`,
  );
  const given = [
    search && quoted(search),
    search && looks_in !== "everything" && `looks_in=${quoted(looks_in)}`,
    search && is_regex && "is_regex=True",
    fires_on && `fires_on=${quoted(fires_on)}`,
    words.trim() && `words=${quoted(words)}`,
    pairs.length > 0 && `ranges={${pairs.join(", ")}}`,
    statuses.length > 0 && `statuses=[${statuses.map(quoted).join(", ")}]`,
    tags.length > 0 && `tags=[${tags.map(quoted).join(", ")}]`,
    filter.hides_dead && "hides_dead=True",
    filter.hides_dense && "hides_dense=True",
    filter.hides_single_token && "hides_single_token=True",
    isOnlyPicked
      ? "only=scope.picked"
      : list
        ? `only=scope.notes.list(${quoted(list)})`
        : only && `only=[${only.join(", ")}]`,
    sort !== usual.sort && `sort=${quoted(sort)}`,
    !descending && "descending=False",
  ];
  return `scope.find_features(${given.filter(Boolean).join(", ")})`;
}

/** A text as Python writes it: what JSON escapes, Python reads alike. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function py(value: number | null | undefined): string {
  return value == null ? "None" : String(value);
}
