import { type Arg, literal } from "../../data/call.js";
import { codeOf } from "../../data/query.js";
import type { Shared } from "../../data/shared.js";
import type { ExportDone, ExportKind, WhichFeatures } from "../../protocol/generated.js";

/** Which features a person means: those marked, those in the table, a list's, those labelled, the open one, all. */
export type By = "picked" | "table" | "list" | "labelled" | "one" | "all";

export type Values = Record<string, unknown>;

/** What a person did here; all that was typed is kept. */
export interface ShareState {
  /** A kind of export, or `import-notes`, `import-labels`, `make-labels`. */
  view: string;
  by?: By;
  list?: string;
  /** By kind: where to, if something else was typed than what is proposed. */
  paths: Record<string, string>;
  /** By kind, those of findings together: options that differ from what they are anyway. */
  options: Record<string, Values>;
  showsMore: boolean;
  results: ExportDone[];
  notesPath: string;
  labelsPath: string;
  labelsName: string;
  labelsSource: string;
  /** The labeler chosen; empty for the first that can be used. */
  labeler: string;
}

export const INITIAL: ShareState = {
  view: "",
  paths: {},
  options: {},
  showsMore: false,
  results: [],
  notesPath: "",
  labelsPath: "",
  labelsName: "",
  labelsSource: "",
  labeler: "",
};

export const IMPORT_NOTES = "import-notes";
export const IMPORT_LABELS = "import-labels";
export const MAKE_LABELS = "make-labels";
const FINDINGS = new Set(["notebook", "report"]);
const TABLES = new Set(["csv", "parquet"]);
/** What Python calls the file or folder, where nothing else was typed. */
const NAMES: Record<string, string> = {
  notebook: "findings.ipynb",
  report: "findings.html",
  csv: "features.csv",
  parquet: "features.parquet",
  notes: "notes.jsonl",
};

/** The kind that is shown: the one chosen, else the first that there is. */
export function viewOf(state: ShareState, kinds: readonly ExportKind[]): string {
  const isKnown =
    [IMPORT_NOTES, IMPORT_LABELS, MAKE_LABELS].includes(state.view) ||
    kinds.some(({ kind }) => kind === state.view);
  return isKnown ? state.view : (kinds[0]?.kind ?? IMPORT_NOTES);
}

/** Notebook and report say the same: what was typed for one is there for the other. */
export function optionsKey(kind: string): string {
  return FINDINGS.has(kind) ? "findings" : kind;
}

export function valuesOf(state: ShareState, kind: string): Values {
  return state.options[optionsKey(kind)] ?? {};
}

export function pathOf(state: ShareState, kind: string): string {
  return state.paths[kind] ?? NAMES[kind] ?? kind;
}

/** What features are meant if nobody said: those marked, else what suits the kind. */
export function byOf(state: ShareState, kind: string, shared: Shared): By {
  const { by } = state;
  if (kind === MAKE_LABELS && (!by || by === "labelled" || (by === "table" && !shared.table)))
    return shared.picked.length > 0 ? "picked" : "all";
  if (by === "table" && !shared.table) return TABLES.has(kind) ? "all" : "labelled";
  if (by) return by;
  if (shared.picked.length > 0) return "picked";
  if (FINDINGS.has(kind)) return "labelled";
  return shared.table ? "table" : "all";
}

/** The same, as the kernel is asked. */
export function whichOf(state: ShareState, kind: string, shared: Shared, feature?: number): WhichFeatures {
  const nothing = { features: [], name: "", filter: null, sort: "max", descending: true };
  const by = byOf(state, kind, shared);
  if (by === "picked") return { ...nothing, by: "these", features: [...shared.picked] };
  if (by === "one") return { ...nothing, by: "these", features: feature === undefined ? [] : [feature] };
  if (by === "table" && shared.table) return { ...nothing, by: "filter", ...shared.table };
  if (by === "list") return { ...nothing, by: "list", name: state.list ?? "" };
  return { ...nothing, by: by === "labelled" ? "labelled" : "all" };
}

function featuresText(by: By, state: ShareState, shared: Shared, feature?: number): string {
  if (by === "picked") return "scope.picked";
  if (by === "one") return feature === undefined ? "[]" : `[${feature}]`;
  if (by === "list") return literal(state.list ?? "");
  if (by === "labelled") return "sorted(scope.notes.labels())";
  if (by === "table" && shared.table) return `${codeOf(shared.table, false)}["feature"]`;
  return "";
}

/** The Python call that does what the panel is about to do. */
export function shareCode(state: ShareState, feature: number | undefined, shared: Shared): string {
  const kind = state.view || "notebook";
  if (kind === IMPORT_NOTES) return `scope.notes.import_from(${literal(state.notesPath || "notes.jsonl")})`;
  if (kind === IMPORT_LABELS) {
    const named = [
      state.labelsName.trim() && `, ${literal(state.labelsName.trim())}`,
      state.labelsSource.trim() && `, source=${literal(state.labelsSource.trim())}`,
    ];
    return `scope.notes.add_layer(${literal(state.labelsPath || "labels.csv")}${named.filter(Boolean).join("")})`;
  }
  if (kind === MAKE_LABELS) {
    const which = featuresText(byOf(state, kind, shared), state, shared, feature);
    const labeler = state.labeler && `labeler=${literal(state.labeler)}`;
    return `scope.label_features(${[which, labeler].filter(Boolean).join(", ")})`;
  }
  const path = literal(pathOf(state, kind).trim());
  if (kind === "notes") return `scope.notes.export(${path})`;
  const features = featuresText(byOf(state, kind, shared), state, shared, feature);
  const given = Object.entries(valuesOf(state, kind)).map(
    ([name, value]) => `${name}=${literal(value as Arg)}`,
  );
  const isFindings = FINDINGS.has(kind);
  const call = isFindings ? `scope.export_${kind}(${path}` : `scope.export(${literal(kind)}, ${path}`;
  const named = features && (isFindings ? `features=${features}` : features);
  return `${[call, named, ...given].filter(Boolean).join(", ")})`;
}
