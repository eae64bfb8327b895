import type { FeatureColumn } from "../../plugins/surface.js";
import type { TableFilter } from "../../protocol/generated.js";

export interface Column {
  name: string;
  /** What stands in its head. */
  head: string;
  title: string;
  /** Pixels; of a column of texts the least. */
  width: number;
  kind: "number" | "tokens" | "text" | "bins";
  isSortable?: boolean;
  /** Another labextension's. */
  extra?: FeatureColumn;
}

/** Every column there is, in the order they stand in. */
export const COLUMNS: Column[] = [
  { name: "feature", head: "#", title: "The feature's number.", width: 56, kind: "number" },
  {
    name: "n_hits",
    head: "hits",
    title: "How many stored examples of the feature hold the text it is to fire on.",
    width: 44,
    kind: "number",
  },
  {
    name: "label",
    head: "label",
    title: "What people call the feature; if nobody does, what another source does.",
    width: 130,
    kind: "text",
  },
  { name: "status", head: "status", title: "Proposed, checked or rejected.", width: 68, kind: "text" },
  {
    name: "tags",
    head: "tags",
    title: "The tags people gave it; sorted by the first.",
    width: 96,
    kind: "text",
  },
  {
    name: "layer",
    head: "from elsewhere",
    title: "A label from another source: scope.notes.add_layer(…). Nobody changes it here.",
    width: 130,
    kind: "text",
  },
  {
    name: "top_tokens",
    head: "top tokens",
    title: "The tokens that carry most of the feature's activation. A label stands before them.",
    width: 96,
    kind: "tokens",
  },
  {
    name: "promoted",
    head: "promotes",
    title: "The tokens whose logits the feature's decoder row raises most.",
    width: 120,
    kind: "tokens",
  },
  {
    name: "suppressed",
    head: "suppresses",
    title: "The tokens whose logits the feature's decoder row lowers most.",
    width: 120,
    kind: "tokens",
  },
  {
    name: "density",
    head: "density",
    title: "The share of tokens on which the feature fires.",
    width: 60,
    kind: "number",
  },
  { name: "n_fires", head: "firings", title: "On how many tokens it fires.", width: 70, kind: "number" },
  {
    name: "max",
    head: "max",
    title: "The largest activation in the indexed text.",
    width: 46,
    kind: "number",
  },
  { name: "mean", head: "mean", title: "The mean activation when it fires.", width: 46, kind: "number" },
  { name: "q50", head: "median", title: "The median activation when it fires.", width: 56, kind: "number" },
  {
    name: "std",
    head: "std",
    title: "The standard deviation of the activation when it fires.",
    width: 50,
    kind: "number",
  },
  {
    name: "relative_norm",
    head: "rel. norm",
    title:
      "How the decoder's length is spread over the crosscoder's places: of two the second's share, 0 to 1; of more the largest share.",
    width: 62,
    kind: "number",
  },
  {
    name: "place_cosine",
    head: "cos places",
    title: "Cosine between the first and the last place's decoder rows.",
    width: 66,
    kind: "number",
  },
  {
    name: "histogram",
    head: "histogram",
    title: "How many tokens have each activation, 0 to max, on a log scale.",
    width: 64,
    kind: "bins",
    isSortable: false,
  },
];

/** Those that a range can be set of. */
export const RANGED = [
  "density",
  "n_fires",
  "max",
  "mean",
  "q50",
  "std",
  "relative_norm",
  "place_cosine",
  "feature",
];

/** Those that only a crosscoder's features have. */
const OF_PLACES = ["relative_norm", "place_cosine"];

/** Those whose histogram is there even when the column is not. */
export const ALWAYS_RANGED = ["density", "max", "mean"];

/** What a person may add and take away. */
export function choices(hasPlaces: boolean): Column[] {
  return COLUMNS.filter(
    ({ name }) => name !== "feature" && name !== "n_hits" && (hasPlaces || !OF_PLACES.includes(name)),
  );
}

/** The classes of a column's cells. */
export function classOf({ name, kind, extra }: Column): string {
  if (extra) return `ss-cell-${kind} ss-extra`;
  return `ss-cell-${kind} ${kind === "text" ? "ss-col-" : "ss-"}${name}`;
}

const BY_WIDTH: [least_px: number, names: string[]][] = [
  [1000, ["label", "status", "top_tokens", "promoted", "density", "n_fires", "max", "mean", "histogram"]],
  [760, ["label", "top_tokens", "promoted", "density", "n_fires", "max", "histogram"]],
  [560, ["top_tokens", "promoted", "density", "max", "histogram"]],
  [360, ["top_tokens", "density", "max", "histogram"]],
  [340, ["top_tokens", "density", "max"]],
  [0, ["top_tokens", "density"]],
];

/** The columns that suit a width, unless a person chose. */
export function columnsFor(
  chosen: readonly string[] | undefined,
  width_px: number,
  filter: TableFilter,
  nFeatures: number,
  hasPlaces = false,
  extras: readonly Column[] = [],
): Column[] {
  const isOfPlaces = hasPlaces && !chosen && width_px >= 400;
  const columnsOf = (names: readonly string[]) => {
    const more = [...(filter.fires_on ? ["n_hits"] : []), ...(isOfPlaces ? ["relative_norm"] : [])];
    const shown = new Set([...names, "feature", ...more]);
    return withExtras(COLUMNS, extras).filter((c) => shown.has(c.name));
  };
  if (chosen) return columnsOf(chosen);
  const sets = BY_WIDTH.filter(([least]) => width_px >= least).map(([, names]) => columnsOf(names));
  const fits = (columns: Column[]) => templateOf(columns, true, nFeatures).least_px <= width_px;
  const all = sets.map((columns) => withExtras(columns, extras));
  return all.find(fits) ?? sets.find(fits) ?? columnsOf(["top_tokens", "density"]);
}

/** Histograms are painted at the right end: others stand before them. */
function withExtras(columns: readonly Column[], extras: readonly Column[]): Column[] {
  const [bins, others] = [true, false].map((is) => columns.filter((c) => (c.kind === "bins") === is));
  return [...(others ?? []), ...extras, ...(bins ?? [])];
}

const EXTRA_PX = 80;

/** The columns of other labextensions; no name of theirs is one of ours. */
export function extraColumns(extras: readonly FeatureColumn[]): Column[] {
  return extras.map((extra) => ({
    name: `+${extra.name}`,
    head: extra.label,
    title: extra.title ?? extra.label,
    width: extra.width_px ?? EXTRA_PX,
    kind: "number",
    isSortable: false,
    extra,
  }));
}

const WIDE_TEXTS = ["label", "tags", "layer"];
const MARK_PX = 18;
const GAP_PX = 8;
const DIGIT_PX = 8;
const PAD_PX = 20;

/** The grid's columns, and the width below which it scrolls to the side. */
export function templateOf(
  given: readonly Column[],
  hasMarks: boolean,
  nFeatures: number,
): { grid: string; least_px: number } {
  const digits = Math.max(4, String(nFeatures).length);
  const columns = given.map((c) => (c.name === "feature" ? { ...c, width: 8 + DIGIT_PX * digits } : c));
  const sizes = columns.map(({ name, kind, width }) =>
    kind === "tokens" || WIDE_TEXTS.includes(name)
      ? `minmax(${width}px, ${name === "top_tokens" ? 1.4 : 1}fr)`
      : `${width}px`,
  );
  const marks = hasMarks ? MARK_PX + GAP_PX : 0;
  const own = columns.reduce((sum, { width }) => sum + width + GAP_PX, 0) - GAP_PX;
  return {
    grid: [...(hasMarks ? [`${MARK_PX}px`] : []), ...sizes].join(" "),
    least_px: own + marks + PAD_PX,
  };
}
