// Written by tools/protocol.py from rpc/messages. Do not edit.

export const PROTOCOL = 2;

/** First frame of each side. The kernel answers with its version and scopes. */
export interface HelloFrame {
  t: "hello";
  protocol: number;
  version: string;
  scopes: ScopeInfo[];
}

/** Ask for something. A newer request in the same ``slot`` cancels the older. */
export interface RequestFrame {
  rid: string;
  method: string;
  params?: Record<string, unknown>;
  slot?: string | null;
  t: "request";
}

/** A partial answer to request ``rid``; any number of them before it settles. */
export interface EventFrame {
  rid: string;
  data: Record<string, unknown>;
  t: "event";
}

/** The end of request ``rid``, with its answer. */
export interface ResultFrame {
  rid: string;
  data: Record<string, unknown>;
  t: "result";
}

/** What went wrong: ``message`` starts with what could not be done, ``hint`` says what to do. */
export interface ErrorInfo {
  code: string;
  message: string;
  hint: string;
  data: Record<string, unknown>;
}

/** The end of request ``rid``, with a failure. */
export interface ErrorFrame {
  rid: string;
  error: ErrorInfo;
  t: "error";
}

/** Stop request ``rid``; it settles with an error of code ``cancelled``. */
export interface CancelFrame {
  rid: string;
  t: "cancel";
}

/** News that nobody asked for: data is a `ScopeList`, a `Selection`, or a `Noted`. */
export interface NotifyFrame {
  topic: "scopes" | "selection" | "notes";
  data: Record<string, unknown>;
  t: "notify";
}

/** How a running build goes: ``done`` of ``total`` units of the present stage. */
export interface BuildInfo {
  stage: string;
  unit: string;
  done: number;
  total: number;
  rate: number;
  seconds_left: number | null;
  error: string;
  hint: string;
}

/** What the header of a panel says about a scope. Counts are numbers of tokens or features. */
export interface ScopeInfo {
  id: string;
  name: string;
  model: string;
  sae: string;
  site: string;
  n_features: number;
  has_index: boolean;
  has_model: boolean;
  index: string;
  n_tokens: number;
  n_counted: number;
  context_size: number;
  n_alive: number;
  l0: number;
  lens: "norm_gain" | "raw" | "none";
  is_complete: boolean;
  n_tokens_planned: number;
  building: BuildInfo | null;
  key: string;
  has_postings: boolean;
}

/** Names one scope. */
export interface ScopeParams {
  scope: string;
}

/** Answer of ``scope.list``. */
export interface ScopeList {
  scopes: ScopeInfo[];
}

/** Tell the scope what is selected; other open panels hear of it. What is none stays as it is. */
export interface SelectParams {
  scope: string;
  feature?: number | null;
  picked?: number[] | null;
  text?: string | null;
}

/** Data of the ``selection`` topic, and answer of ``scope.selection``; none for what did not change. */
export interface Selection {
  scope: string;
  feature: number | null;
  picked: number[] | null;
  text: string | null;
}

/** Remember what a person did in a panel. */
export interface SaveParams {
  scope: string;
  panel: string;
  state: Record<string, unknown>;
}

/** Names one panel of one scope. */
export interface PanelParams {
  scope: string;
  panel: string;
}

/** Answer of ``panel.load``: what was saved last, or nothing. */
export interface PanelState {
  state: Record<string, unknown>;
}

/** Names JavaScript that only some panels need. */
export interface BundleParams {
  name: "map";
}

/** Answer of ``bundle.get``; buffer 0 is an ES module. */
export interface Bundle {
  name: string;
  n_bytes: number;
}

/** An answer with nothing to say. */
export type Nothing = Record<string, never>;

/** A window of the feature table: the rows ``offset`` to ``offset + count`` of a sort and a filter. */
export interface WindowParams {
  scope: string;
  offset: number;
  count: number;
  sort?: string;
  descending?: boolean;
  search?: string;
  has_fired?: boolean;
}

/** Answer of ``features.window``; buffer 0 is an Arrow IPC stream with the rows. */
export interface FeatureWindow {
  offset: number;
  count: number;
  n_match: number;
  n_features: number;
}

/** Where a feature stands in a sort and a filter. */
export interface LocateParams {
  scope: string;
  feature: number;
  sort?: string;
  descending?: boolean;
  search?: string;
  has_fired?: boolean;
}

/** Answer of ``features.locate``: a row number, or none when the filter hides the feature. */
export interface FeatureLocation {
  row: number | null;
}

/** Names some features of one scope, at most 200. */
export interface FeaturesParams {
  scope: string;
  features: number[];
}

/** A feature in one line: wherever a panel names another feature. */
export interface FeatureBrief {
  feature: number;
  label: string;
  top_tokens: string[];
  density: number;
  max: number;
  n_fires: number;
}

/** Answer of ``features.brief``, in the order asked for. */
export interface FeatureBriefs {
  briefs: FeatureBrief[];
}

/** Names one feature of one scope. */
export interface FeatureParams {
  scope: string;
  feature: number;
}

/** A token of the vocabulary with a weight (a logit per unit of activation). */
export interface TokenWeight {
  token: number;
  text: string;
  raw: string;
  weight: number;
}

/** Counts of nonzero activations in equal bins from 0 to ``high``. */
export interface Histogram {
  high: number;
  counts: number[];
}

/** Answer of ``feature.get``. ``density`` is ``n_fires / n_counted``; ``mean`` is over firing tokens. */
export interface FeaturePage {
  feature: number;
  n_fires: number;
  n_counted: number;
  density: number;
  max: number;
  mean: number;
  std: number;
  median: number;
  histogram: Histogram;
  promoted: TokenWeight[];
  suppressed: TokenWeight[];
  top_tokens: TokenWeight[];
}

/** Which tokens count: see `saescope.index.rule.Rule`. */
export interface CountRule {
  n_skipped: number;
  skips_special: boolean;
  max_norm_ratio: number | null;
}

/** Which examples of a feature: the ``k`` first of a group, each with ``context`` tokens a side. */
export interface ExamplesParams {
  scope: string;
  feature: number;
  k?: number;
  group?: string;
  context?: number;
  rule?: CountRule | null;
  folds?: boolean;
  n_intervals?: number;
}

/** One window of text; the lists run over its tokens, ``peak`` is the place of the strongest. */
export interface Example {
  rank: number;
  group: string;
  activation: number;
  peak: number;
  start: number;
  doc: number;
  source: string;
  tokens: number[];
  texts: string[];
  raws: string[];
  activations: number[];
  n_same: number;
}

/** Event of ``examples.list``: some of the examples, in rank order. */
export interface ExamplesPart {
  examples: Example[];
}

/** Answer of ``examples.list``: how many were sent, and the groups there are to choose from. */
export interface ExamplesEnd {
  n_examples: number;
  groups: string[];
}

/** Each method's parameters, answer, and partial answer. */
export interface Methods {
  "scope.list": { params: Nothing; result: ScopeList; event: never };
  "scope.info": { params: ScopeParams; result: ScopeInfo; event: never };
  "scope.select": { params: SelectParams; result: Nothing; event: never };
  "scope.selection": { params: ScopeParams; result: Selection; event: never };
  "panel.save": { params: SaveParams; result: Nothing; event: never };
  "panel.load": { params: PanelParams; result: PanelState; event: never };
  "bundle.get": { params: BundleParams; result: Bundle; event: never };
  "build.stop": { params: ScopeParams; result: Nothing; event: never };
  "features.window": { params: WindowParams; result: FeatureWindow; event: never };
  "features.locate": { params: LocateParams; result: FeatureLocation; event: never };
  "features.brief": { params: FeaturesParams; result: FeatureBriefs; event: never };
  "feature.get": { params: FeatureParams; result: FeaturePage; event: never };
  "examples.list": { params: ExamplesParams; result: ExamplesEnd; event: ExamplesPart };
}
