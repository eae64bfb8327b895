import { count } from "../../data/format.js";
import { NO_FILTER, PLACES, rangeText, withoutRange } from "../../data/query.js";
import type { FeatureWindow, TableFilter } from "../../protocol/generated.js";
import { COLUMNS } from "./columns.js";
import type { Mode } from "./SearchBar.js";

interface Props {
  filter: TableFilter;
  mode: Mode;
  counts: FeatureWindow | undefined;
  nOnlyPicked: number | undefined;
  list: string | undefined;
  change: (part: Partial<TableFilter>) => void;
  showAll: () => void;
  clear: () => void;
}

interface Chip {
  text: string;
  title?: string;
  remove: () => void;
}

/** What holds rows back, each with a way to take it off. */
export function Chips(props: Props) {
  const chips = chipsOf(props);
  if (chips.length === 0) return null;
  return (
    <ul class="ss-chips" aria-label="Filters">
      {chips.map(({ text, title, remove }) => (
        <li key={text} class="ss-chip" title={title}>
          <span>{text}</span>
          <button type="button" aria-label={`Remove filter: ${text}`} onClick={remove}>
            ×
          </button>
        </li>
      ))}
      <li>
        <button type="button" class="ss-quiet-button" onClick={props.clear}>
          clear all
        </button>
      </li>
    </ul>
  );
}

function chipsOf({ filter, mode, counts, nOnlyPicked, list, change, showAll }: Props): Chip[] {
  const chips: Chip[] = [];
  const { search, looks_in, is_regex, fires_on, words, ranges, statuses, tags, only } = filter;
  if (search && (mode === "fires_on" || mode === "words")) {
    const where = looks_in === "everything" ? "anything" : PLACES[looks_in];
    chips.push({
      text: is_regex ? `${where} matches /${search}/` : `${where} contains “${search}”`,
      remove: () => change({ search: "" }),
    });
  }
  if (fires_on) {
    const found = counts?.n_found;
    const times = found == null ? "" : ` · ${count(found)} ${found === 1 ? "place" : "places"}`;
    chips.push({
      text: `examples contain “${fires_on}”${times}`,
      title:
        "Features whose stored examples contain this text; and in how many places of the corpus it occurs.",
      remove: () => change({ fires_on: "" }),
    });
  }
  if (words.trim() && mode !== "words")
    chips.push({
      text: `notes have “${words.trim()}”`,
      title: "Features whose label, tags, remark or labels from elsewhere have all of these words.",
      remove: () => change({ words: "" }),
    });
  for (const [name, range] of Object.entries(ranges)) {
    const head = name === "feature" ? "number" : (COLUMNS.find((c) => c.name === name)?.head ?? name);
    chips.push({
      text: `${head} ${rangeText(name, range)}`,
      remove: () => change({ ranges: withoutRange(filter, name).ranges }),
    });
  }
  for (const { name, text, title } of HIDES)
    if (filter[name]) chips.push({ text, title, remove: () => change({ [name]: false }) });
  if (statuses.length > 0)
    chips.push({
      text: `status ${statuses.map((s) => s || "none").join(" or ")}`,
      remove: () => change({ statuses: [] }),
    });
  if (tags.length > 0)
    chips.push({
      text: `tag ${tags.map((t) => t || "none").join(" or ")}`,
      remove: () => change({ tags: [] }),
    });
  if (nOnlyPicked !== undefined)
    chips.push({ text: `only the ${count(nOnlyPicked)} marked`, remove: showAll });
  if (list !== undefined) chips.push({ text: `list “${list}”`, remove: showAll });
  if (only) chips.push({ text: `only ${count(only.length)} features`, remove: () => change({ only: null }) });
  return chips;
}

type Hide = "hides_dead" | "hides_dense" | "hides_single_token";

/** What can be hidden by a tick. */
export const HIDES: { name: Hide; text: string; title: string }[] = [
  { name: "hides_dead", text: "no dead", title: "Hide the features that never fire on the indexed text." },
  {
    name: "hides_dense",
    text: "no dense",
    title: "Hide the features that fire on more than 10 % of the tokens.",
  },
  {
    name: "hides_single_token",
    text: "no single-token",
    title: "Hide the features of which one token carries at least 95 % of the summed activation.",
  },
];

/** Whether anything holds rows back. */
export function isFiltered(filter: TableFilter): boolean {
  return (
    JSON.stringify(filter) !==
    JSON.stringify({ ...NO_FILTER, looks_in: filter.looks_in, is_regex: filter.is_regex })
  );
}
