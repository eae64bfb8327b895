// Written by tools/protocol.py from rpc/messages. Do not edit.

export const PROTOCOL = 4;

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

/** A partial answer to request ``rid``, its ``n``-th from 0; any number of them before it settles. */
export interface EventFrame {
  rid: string;
  data: Record<string, unknown>;
  n: number;
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

/** Request ``rid`` waits for its turn: ``n_before`` others run or wait before it; 0 when its turn has come. */
export interface QueuedFrame {
  rid: string;
  n_before: number;
  t: "queued";
}

/** The page tells for which requests ``rids`` it waits. */
export interface RollFrame {
  rids: string[];
  unknown: string[];
  lost: string[];
  t: "roll";
}

/** Frames that travel together, in order; ``n_buffers`` tells how many of the buffers beside it are each one's. */
export interface BatchFrame {
  frames: Record<string, unknown>[];
  n_buffers: number[];
  t: "batch";
}

/** News that nobody asked for: data is a `ScopeList`, a `Selection`, a `Noted`, or a `MapNews`. */
export interface NotifyFrame {
  topic: "scopes" | "selection" | "notes" | "maps";
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

/** Whether SAE and model fit, as far as it is known: what the badge in a panel's header shows. */
export interface PairingInfo {
  state: "none" | "running" | "stopped" | "done";
  verdict: "" | "fits" | "unconfirmed" | "doubtful" | "wrong" | "unknown";
  headline: string;
  figure: string;
  done: number;
  total: number;
  step: string;
  can_start: boolean;
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
  imported: string;
  variable: string;
  places: string[];
  units: string;
  why_not_folded: string;
  remarks: string[];
  pairing: PairingInfo | null;
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

/** Names the JavaScript of a panel that comes when it is first opened. */
export interface BundleParams {
  name: string;
}

/** Answer of ``bundle.get``; buffer 0 is an ES module. */
export interface Bundle {
  name: string;
  n_bytes: number;
}

/** An answer with nothing to say. */
export type Nothing = Record<string, never>;

/** What features have to meet; all conditions together. */
export interface TableFilter {
  search: string;
  looks_in: "everything" | "label" | "remark" | "tags" | "layer" | "top_tokens" | "promoted" | "suppressed";
  is_regex: boolean;
  fires_on: string;
  words: string;
  ranges: Record<string, (number | null)[]>;
  statuses: string[];
  tags: string[];
  hides_dead: boolean;
  hides_dense: boolean;
  hides_single_token: boolean;
  only: number[] | null;
}

/** A window of the feature table: the rows ``offset`` to ``offset + count`` of a sort and a filter, at most 300. */
export interface WindowParams {
  scope: string;
  offset: number;
  count: number;
  sort?: string;
  descending?: boolean;
  filter?: TableFilter | null;
  columns?: string[];
}

/** Answer of ``features.window``; buffer 0 is an Arrow IPC stream with the rows. */
export interface FeatureWindow {
  offset: number;
  count: number;
  n_match: number;
  n_features: number;
  n_found: number | null;
}

/** Where a feature stands in a sort and a filter. */
export interface LocateParams {
  scope: string;
  feature: number;
  sort?: string;
  descending?: boolean;
  filter?: TableFilter | null;
}

/** Answer of ``features.locate``: a row number, or none when the filter hides the feature. */
export interface FeatureLocation {
  row: number | null;
}

/** Names rows of a sort and a filter, at most 100,000, whose features' numbers are wanted. */
export interface NumbersParams {
  scope: string;
  offset?: number;
  count?: number;
  sort?: string;
  descending?: boolean;
  filter?: TableFilter | null;
}

/** Answer of ``features.numbers``; buffer 0 holds the features as u32, little-endian. ``n_match`` is of all rows. */
export interface FeatureNumbers {
  count: number;
  n_match: number;
}

/** Names the rows of a sort and a filter, at most 200,000, and the columns that are wanted as a file. */
export interface ExportParams {
  scope: string;
  columns: string[];
  sort?: string;
  descending?: boolean;
  filter?: TableFilter | null;
}

/** Answer of ``features.export``; buffer 0 is the file, UTF-8: CSV with a head, lists as JSON. */
export interface FeatureExport {
  name: string;
  n_rows: number;
}

/** Names a column of numbers, and the features that match. */
export interface SpreadParams {
  scope: string;
  column: string;
  filter?: TableFilter | null;
}

/** Answer of ``features.histogram``: counts in equal bins from ``low`` to ``high`` (of the logarithm if ``is_log``). */
export interface ColumnSpread {
  column: string;
  low: number;
  high: number;
  is_log: boolean;
  counts: number[];
  matching: number[];
  n_apart: number;
  n_match_apart: number;
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
  is_known: boolean;
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

/** Which tokens count: see `saescope.index.rule.Rule`. */
export interface CountRule {
  n_skipped: number;
  skips_special: boolean;
  max_norm_ratio: number | null;
}

/** What the SAE's weights say of one feature; none for what is not known. */
export interface Weights {
  cosine: number | null;
  encoder_bias: number | null;
  threshold: number | null;
  decoder_norm: number | null;
  relative_norm: number | null;
  place_cosine: number | null;
}

/** Answer of ``feature.get``. ``density`` is ``n_fires / n_counted``; ``mean`` is over firing tokens. */
export interface FeaturePage {
  feature: number;
  n_fires: number;
  n_counted: number;
  density: number | null;
  max: number;
  mean: number | null;
  std: number | null;
  median: number | null;
  histogram: Histogram;
  promoted: TokenWeight[];
  suppressed: TokenWeight[];
  top_tokens: TokenWeight[];
  weights: Weights;
  rule: CountRule;
  not_counted: string;
  is_known: boolean;
}

/** Names one feature, and what counts; ``rule`` none for what the index counts. */
export interface PageParams {
  scope: string;
  feature: number;
  rule?: CountRule | null;
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
  row: number;
}

/** Event of ``examples.list``: some of the examples, in rank order. */
export interface ExamplesPart {
  examples: Example[];
}

/** A group of examples: ``n_fires`` counted firings whose magnitude lies from ``low`` to ``high``. */
export interface ExampleGroup {
  name: string;
  low: number;
  high: number;
  n_fires: number;
  share: number | null;
  is_exact: boolean;
}

/** Answer of ``examples.list``: how many were sent, and the groups there are to choose from. */
export interface ExamplesEnd {
  n_examples: number;
  groups: ExampleGroup[];
}

/** Names one feature and how to read it through the unembedding, now. */
export interface LensParams {
  scope: string;
  feature: number;
  convention?: "norm_gain" | "raw";
}

/** Answer of ``lens.compute``: the tokens that the feature's direction raises and lowers. */
export interface LensTokens {
  feature: number;
  convention: "norm_gain" | "raw";
  promoted: TokenWeight[];
  suppressed: TokenWeight[];
}

/** A stretch of a document: ``before`` tokens before row ``row`` of the corpus, the row, ``after`` behind it. */
export interface DocumentParams {
  scope: string;
  row: number;
  feature?: number | null;
  before?: number;
  after?: number;
}

/** Answer of ``document.get``; the lists run over the tokens sent, of which ``row`` is the first's row. */
export interface Document {
  doc: number;
  source: string;
  n_tokens: number;
  start: number;
  row: number;
  tokens: number[];
  texts: string[];
  raws: string[];
  activations: (number | null)[];
  breaks: number[];
}

/** Names a token of the corpus by its row. */
export interface RowParams {
  scope: string;
  row: number;
  k?: number;
}

/** A feature that fires on a token, and how strongly. */
export interface FiringFeature {
  brief: FeatureBrief;
  activation: number;
}

/** Answer of ``tokens.firing`` and ``tokens.compute``: the ``k`` that fire most, strongest first, of ``n_fires``. */
export interface Firing {
  row: number;
  n_fires: number;
  features: FiringFeature[];
}

/** A way to be near: its name, what a score means, and its range; ``problem`` says why it cannot be used here. */
export interface Metric {
  name: string;
  title: string;
  meaning: string;
  low: number | null;
  high: number | null;
  is_by_firing: boolean;
  problem: string;
}

/** Answer of ``neighbors.metrics``: those of plug-ins too. */
export interface Metrics {
  metrics: Metric[];
}

/** Which neighbors: the ``k`` nearest of a feature by a metric. */
export interface NeighborsParams {
  scope: string;
  feature: number;
  metric?: string;
  k?: number;
}

/** A feature near another. ``error`` is the standard error of the score: 0 where exact, none where unknown. */
export interface Neighbor {
  brief: FeatureBrief;
  score: number;
  error: number | null;
}

/** Answer of ``neighbors.list``, nearest first. */
export interface Neighbors {
  center: FeatureBrief;
  metric: Metric;
  neighbors: Neighbor[];
  links: number[];
}

/** Names one to four features to put side by side, each with so many of its top examples. */
export interface CompareParams {
  scope: string;
  features: number[];
  n_examples?: number;
  context?: number;
}

/** A feature among others: in one line, its figures, and its strongest examples. */
export interface Compared {
  brief: FeatureBrief;
  page: FeaturePage;
  examples: Example[];
}

/** How alike two features are; what is none is not known here. */
export interface Pair {
  feature: number;
  other: number;
  decoder: number | null;
  encoder: number | null;
  n_both: number | null;
  share: number | null;
  share_of_other: number | null;
  jaccard: number | null;
  correlation: number | null;
}

/** Answer of ``compare.get``; each pair once. */
export interface Comparison {
  features: Compared[];
  pairs: Pair[];
}

/** Examples of a feature on whose peak (or ``within`` tokens of it) none of ``without`` and all of ``also`` fire. */
export interface ContrastParams {
  scope: string;
  feature: number;
  without?: number[];
  also?: number[];
  within?: number;
  k?: number;
  context?: number;
}

/** An example, and what the other features (``without``, then ``also``) do on the window's tokens. */
export interface ContrastExample {
  example: Example;
  others: number[][];
}

/** Event of ``contrast.list`` and ``contrast.live``: some of the examples, strongest first. */
export interface ContrastPart {
  examples: ContrastExample[];
}

/** Answer: examples sent, firings that are as wanted, and firings looked at. */
export interface ContrastEnd {
  n_examples: number;
  n_match: number;
  n_fires: number;
}

/** A text to read now; of one that is longer than the model takes, ``cuts`` reads the beginning. */
export interface TextParams {
  scope: string;
  text: string;
  cuts?: boolean;
}

/** Event of ``text.read``: the model is in use elsewhere, or the text's ``n_tokens`` are being read. */
export interface TextStage {
  stage: "waiting" | "reading";
  n_tokens: number;
}

/** Answer of ``text.read``: the tokens that were read, and every nonzero activation on them. */
export interface TextRead {
  tokens: number[];
  texts: string[];
  raws: string[];
  reasons: string[];
  n_all: number;
  n_counted: number;
  briefs: FeatureBrief[];
}

/** Which map, and what to color it by; without places only the color is sent. */
export interface MapParams {
  scope: string;
  method?: string;
  color?: string;
  with_places?: boolean;
}

/** Something to choose: its name, and what to call it. */
export interface MapChoice {
  name: string;
  title: string;
}

/** A cluster: where its name goes, and how many features it has; level 0 is the coarsest. */
export interface MapCluster {
  x: number;
  y: number;
  name: string;
  n: number;
  level: number;
}

/** What the colors mean: an amount from ``low`` to ``high``, or the place of one of the ``categories``. */
export interface MapColor {
  name: string;
  title: string;
  is_log: boolean;
  low: number;
  high: number;
  categories: string[];
}

/** Data of the ``maps`` topic: how the drawing of a map goes. */
export interface MapNews {
  scope: string;
  method: string;
  stage: string;
  unit: string;
  done: number;
  total: number;
  is_over: boolean;
  error: string;
  hint: string;
}

/** Answer of ``map.get``; raw little-endian buffers. */
export interface MapData {
  method: string;
  is_drawn: boolean;
  methods: MapChoice[];
  colors: MapChoice[];
  n: number;
  n_placed: number;
  color: MapColor | null;
  clusters: MapCluster[];
  drawing: MapNews | null;
}

/** Which map to draw. */
export interface MapDrawParams {
  scope: string;
  method: string;
}

/** Of which scope no map is to be drawn any more. */
export interface MapStopParams {
  scope: string;
}

/** Answer of ``map.draw`` and ``map.stop``: the drawing that is under way, if any. */
export interface MapDrawn {
  drawing: MapNews | null;
}

/** One number: ``error`` is its standard error, ``n`` the tokens (or features) it rests on. */
export interface HealthFigure {
  name: string;
  value: number | null;
  error: number | null;
  n: number;
  source: "index" | "measured";
  grade: "" | "good" | "fair" | "poor";
  meaning: string;
  good: number | null;
  fair: number | null;
}

/** A histogram; there is one edge more than counts. */
export interface HealthBins {
  edges: number[];
  counts: number[];
}

/** Where the index is from, in words. */
export interface HealthFact {
  name: string;
  value: string;
}

/** Answer of ``health.get``. */
export interface Health {
  grade: "" | "good" | "fair" | "poor";
  judged: string[];
  figures: HealthFigure[];
  best: HealthFigure[];
  n_features: number;
  n_alive: number;
  n_dense: number;
  dense: number;
  density: HealthBins;
  maxima: HealthBins;
  l0: HealthBins | null;
  warnings: string[];
  differences: string[];
  facts: HealthFact[];
}

/** Measure on about ``n_tokens`` of the index's own. */
export interface MeasureParams {
  scope: string;
  n_tokens?: number;
}

/** Event of ``health.measure``: ``done`` of ``total`` tokens of a stage, and the figures so far. */
export interface Measuring {
  stage: string;
  done: number;
  total: number;
  seconds_left: number | null;
  figures: HealthFigure[];
}

/** Answer of ``health.measure``; ``differences`` says where the index and it disagree by more than noise. */
export interface Measured {
  figures: HealthFigure[];
  differences: string[];
}

/** One row of figures; ``n`` is the tokens it rests on, and what is not known is none. */
export interface PairingFigures {
  explained_variance: number | null;
  l0: number | null;
  n: number;
  recovered: number | null;
  recovered_zero: number | null;
}

/** Something that was tried. ``gain`` is the explained variance more than as loaded on the same tokens. */
export interface PairingTrial {
  kind: string;
  what: string;
  figures: PairingFigures;
  gain: number;
  error: number | null;
  is_better: boolean;
  code: string;
}

/** Why the badge is not green: a key, what it is called, and a sentence. */
export interface PairingReason {
  key: string;
  name: string;
  text: string;
}

/** Answer of ``pairing.get``. */
export interface PairingDetails {
  info: PairingInfo;
  failure: string;
  untold: string;
  loaded: PairingFigures | null;
  control: PairingFigures | null;
  published: PairingFigures | null;
  source: string;
  drift: number | null;
  reasons: PairingReason[];
  trials: PairingTrial[];
  code: string;
  text: string;
  seconds: number;
}

/** Check in the background; unasked only where it takes seconds and was not done yet. */
export interface PairingStart {
  scope: string;
  cause?: "opened" | "asked";
}

/** What a source elsewhere calls a feature: the layer's name, where it came from, and its label. */
export interface LayerLabel {
  layer: string;
  source: string;
  label: string;
}

/** What is written about a feature, as it is on disk; ``version`` is 0 where nothing ever was. */
export interface FeatureNote {
  feature: number;
  label: string;
  remark: string;
  tags: string[];
  status: "" | "proposed" | "checked" | "rejected";
  confidence: number | null;
  author: string;
  saved_ms: number;
  version: number;
  can_undo: boolean;
  can_redo: boolean;
  lists: string[];
  place: string;
  n_marks: number;
  layers: LayerLabel[];
}

/** Change a note; what is none stays as it is, and ``drops_confidence`` takes that away. */
export interface NoteChange {
  scope: string;
  feature: number;
  label?: string | null;
  remark?: string | null;
  tags?: string[] | null;
  status?: "" | "proposed" | "checked" | "rejected" | null;
  confidence?: number | null;
  drops_confidence?: boolean;
  version?: number | null;
  is_forced?: boolean;
}

/** Take back the last change of a note, or make it again; ``version`` as in `NoteChange`. */
export interface NoteStep {
  scope: string;
  feature: number;
  version?: number | null;
}

/** Names a feature, and the rows of the corpus at the peaks of the examples that are shown, at most 200. */
export interface MarksParams {
  scope: string;
  feature: number;
  rows?: number[];
}

/** An example that is marked, by its passage's key, with the passage's text: ``token`` is at the peak. */
export interface ExampleMark {
  passage: string;
  mark: "typical" | "counterexample";
  before: string;
  token: string;
  after: string;
  author: string;
  saved_ms: number;
}

/** A row among those asked for whose passage is marked. */
export interface ShownMark {
  row: number;
  mark: "typical" | "counterexample";
}

/** Answer of ``marks.get``: all marks of the feature, the one made last first, and which rows have one. */
export interface FeatureMarks {
  feature: number;
  marks: ExampleMark[];
  shown: ShownMark[];
}

/** Mark an example, by the row of its peak or by its passage's key; an empty ``mark`` takes it away. */
export interface MarkChange {
  scope: string;
  feature: number;
  mark: "" | "typical" | "counterexample";
  row?: number | null;
  passage?: string | null;
}

/** A tag, and how many features have it. */
export interface TagCount {
  tag: string;
  n_features: number;
}

/** Answer of ``tags.get``: the tags there are, the most used first, at most 200. */
export interface TagCounts {
  tags: TagCount[];
}

/** A named list of features; ``saved_ms`` tells when it was changed last. */
export interface FeatureList {
  name: string;
  n_features: number;
  author: string;
  saved_ms: number;
  version: number;
}

/** All lists, the one changed last first. */
export interface FeatureLists {
  lists: FeatureList[];
}

/** Names one list of one scope. */
export interface ListParams {
  scope: string;
  name: string;
}

/** Answer of ``list.get``; buffer 0 is the features in the list's order, u32 little-endian. */
export interface ListedFeatures {
  name: string;
  n_features: number;
}

/** Take features out of a list and append others; one that is not there is made. */
export interface ListChange {
  scope: string;
  name: string;
  add?: number[];
  remove?: number[];
  new_name?: string | null;
  is_deleted?: boolean;
}

/** Data of the ``notes`` topic: features whose notes changed, and lists; ``is_all`` when too many to name. */
export interface Noted {
  scope: string;
  features: number[];
  lists: string[];
  is_all: boolean;
  has_kept: boolean;
}

/** Run a call of the scope and keep what it gives; arguments as in `saescope.notes.kept_calls`. */
export interface KeepParams {
  scope: string;
  method: string;
  args: Record<string, unknown>;
  feature?: number | null;
  title?: string;
  panel?: Record<string, unknown>;
}

/** The model is in use elsewhere, or runs: so many texts so far. */
export interface KeepStage {
  stage: "waiting" | "running";
  n_texts: number;
}

/** A kept result in a list: its foremost figure is in ``headline``; ``time_ms`` since 1970 UTC. */
export interface KeptLine {
  id: string;
  feature: number | null;
  title: string;
  method: string;
  headline: string;
  author: string;
  time_ms: number;
}

/** Of which feature; none for those of no feature, and ``is_all`` for all. */
export interface KeptLinesParams {
  scope: string;
  feature?: number | null;
  is_all?: boolean;
}

/** Answer of ``kept.list``: the newest last, at most 500 of ``n``. */
export interface KeptLines {
  lines: KeptLine[];
  n: number;
}

/** Names one kept result. */
export interface KeptParams {
  scope: string;
  id: string;
}

/** Another title of a kept result; an empty one is made from the call. */
export interface KeptTitle {
  scope: string;
  id: string;
  title: string;
}

/** A kept result without its table: the call, how to open it, and of how many rows which were cut. */
export interface KeptResult {
  line: KeptLine;
  code: string;
  panel: Record<string, unknown>;
  cut: string;
}

/** A kept result was taken away, or a change of it taken back. */
export interface KeptDone {
  id: string;
}

/** What came of running a kept call again: where it differs, what is another now, and why it failed. */
export interface KeptAgain {
  is_same: boolean;
  differences: string[];
  changed: string[];
  failure: string;
}

/** A text, as a string or as token ids, and maybe what a person types to name a token that could follow. */
export interface NextParams {
  scope: string;
  text?: string;
  tokens?: number[] | null;
  typed?: string | null;
  k?: number;
}

/** A token that could follow, and its probability. */
export interface NextToken {
  token: number;
  text: string;
  raw: string;
  probability: number;
}

/** What a typed text is to the model: the tokens it is made of, of which a target can be the first. */
export interface TypedToken {
  text: string;
  pieces: string[];
  first: NextToken;
}

/** Answer of ``effects.next``: the likeliest first; ``typed`` as it stands, and with a space before it. */
export interface NextTokens {
  likeliest: NextToken[];
  typed: TypedToken[];
}

/** A number that a kind of ablation takes; a switch is 1 or 0. */
export interface KindOption {
  name: string;
  meaning: string;
  default: number;
  low: number | null;
  high: number | null;
  is_switch: boolean;
}

/** What a kind of ablation says of itself; ``problem`` says why it cannot be had. */
export interface AblationKind {
  name: string;
  title: string;
  meaning: string;
  options: KindOption[];
  where: "fires" | "all";
  takes_other: boolean;
  problem: string;
}

/** Answer of ``effects.kinds``. */
export interface AblationKinds {
  kinds: AblationKind[];
}

/** A feature whose strongest ``k`` examples are wanted as texts, with so many tokens round their peaks. */
export interface PassagesParams {
  scope: string;
  feature: number;
  k?: number;
  before?: number;
  after?: number;
}

/** The tokens of an example as they are in the corpus, with BOS where the model wants it; ``peak`` is a place. */
export interface Passage {
  row: number;
  activation: number;
  tokens: number[];
  texts: string[];
  peak: number;
}

/** Answer of ``effects.passages``. */
export interface Passages {
  passages: Passage[];
}

/** Which features to change on which text, together, and how. */
export interface EffectParams {
  scope: string;
  features: number[];
  text?: string;
  tokens?: number[] | null;
  kind?: string;
  options?: Record<string, number>;
  where?: "fires" | "all" | null;
  positions?: number[] | null;
  target?: number | null;
  contrast?: number | null;
  other?: string;
  seed?: number;
  n_controls?: number;
}

/** Event of ``effects.*``: the model is in use elsewhere, or the text's ``n_tokens`` are run. */
export interface EffectStage {
  stage: "waiting" | "reading";
  n_tokens: number;
}

/** A token of the vocabulary. */
export interface TokenName {
  token: number;
  text: string;
  raw: string;
}

/** Answer of ``effects.ablate``: the text, what was changed, and what the model then says. */
export interface EffectRead {
  tokens: number[];
  texts: string[];
  raws: string[];
  counted: boolean[];
  activations: number[];
  at: number[];
  start: number;
  targets: number[];
  before: number[];
  after: number[];
  kl: number[];
  contrast: number[] | null;
  likeliest: NextToken;
  n_moved: number;
  names: TokenName[];
}

/** Answer of ``effects.control``: what the same change did along other features' directions. */
export interface EffectControl {
  controls: number[][];
  briefs: FeatureBrief[];
  start: number;
  delta_logprob: number[][];
  kl: number[][];
}

/** A feature to change in each of its examples; ``where`` none is as the kind says. */
export interface SeriesParams {
  scope: string;
  feature: number;
  k?: number;
  group?: string;
  kind?: string;
  options?: Record<string, number>;
  where?: "peak" | "fires" | "all" | null;
  n_after?: number;
  seed?: number;
  n_controls?: number;
}

/** What a change did in one example; see `saescope.scope.exampling.ExampleEffect`. */
export interface ExampleChange {
  rank: number;
  row: number;
  activation: number;
  pos: number;
  texts: string[];
  peak: number;
  next_text: string | null;
  n_changed: number;
  n_after: number;
  delta_logprob: number | null;
  kl: number;
  delta_logprob_after: number;
  kl_after: number;
  control_delta_logprob: number | null;
  control_kl: number | null;
  control_delta_logprob_after: number | null;
  control_kl_after: number | null;
}

/** Event of ``effects.examples``: one more example, ``done`` of ``total``. */
export interface SeriesPart {
  example: ExampleChange;
  done: number;
  total: number;
  seconds_left: number | null;
}

/** A mean over ``n`` examples with its 95 % interval, of the feature, its controls, or their difference. */
export interface EffectMean {
  quantity: "delta_logprob" | "kl" | "delta_logprob_after" | "kl_after";
  of: "feature" | "control" | "difference";
  n: number;
  mean: number | null;
  low: number | null;
  high: number | null;
}

/** Answer of ``effects.examples``. */
export interface SeriesRead {
  examples: ExampleChange[];
  summary: EffectMean[];
}

/** A feature to set to one strength after another, and the token after the text to look at. */
export interface SweepParams {
  scope: string;
  feature: number;
  text?: string;
  tokens?: number[] | null;
  where?: "fires" | "all" | null;
  positions?: number[] | null;
  target?: number | null;
  contrast?: number | null;
  strengths?: number[] | null;
  seed?: number;
  n_controls?: number;
}

/** What one strength did; ``place`` is its place among the strengths. The control's are means over controls. */
export interface SweepPoint {
  place: number;
  logprob: number;
  delta_logprob: number;
  kl: number;
  contrast: number | null;
  control_delta_logprob: number | null;
  control_kl: number | null;
}

/** Event and answer of ``effects.sweep``: the ``points`` that are known so far, by place. */
export interface SweepRead {
  feature: number;
  strengths: number[];
  current: number;
  at: number[];
  fires: boolean;
  natural: number[] | null;
  target: NextToken;
  before: number;
  points: SweepPoint[];
  n_controls: number;
  done: number;
  total: number;
}

/** A text, as a string or as token ids, and the token after it that is asked about, maybe against another. */
export interface PromptParams {
  scope: string;
  text?: string;
  tokens?: number[] | null;
  target?: number | null;
  contrast?: number | null;
}

/** Event of ``prompt.*``: the model is in use elsewhere, or it runs; ``done`` of ``total`` steps are taken. */
export interface PromptStage {
  stage: "waiting" | "reading" | "running";
  n_tokens: number;
  done: number;
  total: number;
  facts: Record<string, number>;
}

/** A method of attribution, and what it says of itself; ``costs``: no further run, about one, or many. */
export interface AttributionInfo {
  name: string;
  title: string;
  meaning: string;
  source: string;
  is_exact: boolean;
  baseline: string;
  unit: "activation" | "logits" | "metric";
  costs: "none" | "pass" | "many";
}

/** Answer of ``prompt.read``: the text's tokens, and every feature that fires on one that counts. */
export interface PromptRead {
  tokens: number[];
  texts: string[];
  raws: string[];
  counted: boolean[];
  target: NextToken;
  contrast: NextToken | null;
  metric: number;
  methods: AttributionInfo[];
  took_ms: number;
}

/** A method for all pairs of a text: ``prompt.attribute`` for those of one pass, ``prompt.refine`` for long ones. */
export interface AttributeParams {
  scope: string;
  method: string;
  text?: string;
  tokens?: number[] | null;
  target?: number | null;
  contrast?: number | null;
}

/** Answer of ``prompt.attribute`` and ``prompt.refine``; buffer 0: each pair's figure f32, as in ``prompt.read``. */
export interface Attributed {
  method: string;
  n_pairs: number;
  facts: Record<string, number>;
}

/** Features to take out one by one, the most pressing first: at one position, or at all that count. */
export interface ExactParams {
  scope: string;
  features: number[];
  pos?: number | null;
  text?: string;
  tokens?: number[] | null;
  target?: number | null;
  contrast?: number | null;
}

/** Event of ``prompt.exact``: what some features do, and how many are done. */
export interface ExactRows {
  features: number[];
  values: number[];
  done: number;
  total: number;
}

/** Answer of ``prompt.exact``: every feature asked for; positive raises the target. */
export interface ExactDone {
  features: number[];
  values: number[];
}

/** One message of a conversation. */
export interface SteerMessage {
  role: string;
  content: string;
}

/** What is done to a feature: ``strength`` in units of its maximum in the index, or a factor; zero has none. */
export interface SteerChange {
  feature: number;
  kind: "amplify" | "clamp" | "scale" | "zero";
  strength: number;
}

/** Two sets of prompts; ``is_chat``: each is what the user says. ``at``: the last token, or the mean. */
export interface ContrastPrompts {
  positive: string[];
  negative: string[];
  at: "last" | "mean";
  is_chat: boolean;
}

/** Features whose natural range is wanted. */
export interface SteerKnownParams {
  scope: string;
  features?: number[];
}

/** How strongly a feature fires in the index where it does: mean, median and largest activation. */
export interface SteerFeature {
  feature: number;
  mean: number;
  median: number;
  max: number;
}

/** Answer of ``steer.known``: whether there is a chat template, what the model takes, features' ranges, names. */
export interface SteerKnown {
  has_chat: boolean;
  n_context: number | null;
  features: SteerFeature[];
  briefs: FeatureBrief[];
}

/** A prompt, as ``text`` or as ``messages``, and what is changed while the model goes on from it. */
export interface SteerParams {
  scope: string;
  text?: string;
  messages?: SteerMessage[];
  changes?: SteerChange[];
  contrast?: ContrastPrompts | null;
  coefficient?: number;
  strengths?: number[];
  max_new_tokens?: number;
  temperature?: number;
  top_p?: number;
  seed?: number;
  where?: "all" | "answer";
}

/** What one text grew by: token ids, and the text of each, which is empty while a character is not whole. */
export interface SteerMore {
  row: number;
  tokens: number[];
  texts: string[];
  ended: "" | "end" | "length" | "broken";
}

/** Event of ``steer.run``: where it stands, and what was written since the last. */
export interface Steering {
  stage: "waiting" | "contrast" | "reading" | "writing" | "measuring";
  done: number;
  total: number;
  rate: number;
  seconds_left: number | null;
  rows: SteerMore[];
}

/** One text; ``logprob`` and ``kl`` are nats a token, ``null`` where nothing was written. */
export interface SteeredText {
  name: string;
  strength: number;
  tokens: number[];
  texts: string[];
  ended: "end" | "length" | "broken";
  logprob: number | null;
  kl: number | null;
}

/** Answer of ``steer.run``: the texts, the unsteered first, and the tokens of the prompt. */
export interface Steered {
  rows: SteeredText[];
  n_prompt: number;
}

/** A contrast of prompts whose direction is wanted, in terms of ``k`` features. */
export interface DirectionParams {
  scope: string;
  contrast: ContrastPrompts;
  k?: number;
}

/** One feature's part in a direction; see ``SteeringVector.features``. */
export interface DirectionRow {
  feature: number;
  share: number;
  explained: number;
  cosine: number;
  positive: number;
  negative: number;
}

/** Answer of ``steer.direction``. */
export interface Direction {
  norm: number;
  typical: number;
  agreement: number | null;
  share_of_error: number;
  n_positive: number;
  n_negative: number;
  n_moved: number;
  rows: DirectionRow[];
  briefs: FeatureBrief[];
}

/** A feature's circuit, by weights or on a text. */
export interface CircuitParams {
  scope: string;
  feature: number;
  by: "weights" | "text";
  text?: string;
  tokens?: number[] | null;
  pos?: number | null;
  target?: number | null;
  contrast?: number | null;
  upstream?: string | null;
  downstream?: string | null;
  k?: number;
}

/** One thing that writes or reads; the fields are those of `Scope.circuit`. */
export interface CircuitRow {
  kind: string;
  score: number;
  method: string;
  is_exact: boolean;
  layer: number | null;
  head: number | null;
  feature: number | null;
  pos: number | null;
  text: string | null;
  share: number | null;
  baseline: number | null;
}

/** What writes (``upstream``) or what reads (``downstream``). */
export interface CircuitSide {
  side: "upstream" | "downstream";
  rows: CircuitRow[];
  features: CircuitRow[];
  tokens: CircuitRow[];
  unit: string;
  notes: string[];
  total: number | null;
  whole: number | null;
  n_more: number;
  more: number;
  shading: number[] | null;
  scope: string | null;
  briefs: FeatureBrief[] | null;
  problem: string;
  hint: string;
}

/** The text that was run: what to show for each token, the feature's activation there, and what counts. */
export interface CircuitText {
  texts: string[];
  activations: number[];
  is_counted: boolean[];
  pos: number | null;
  preactivation: number | null;
  target: string;
  contrast: string;
  at: number | null;
}

/** Event of ``circuit.get``: the model is in use elsewhere, or what is known so far. */
export interface CircuitEvent {
  stage: "waiting" | "reading" | "upstream" | "downstream";
  text: CircuitText | null;
  side: CircuitSide | null;
}

/** Answer of ``circuit.get``: both sides, and the text where there is one. */
export interface CircuitAnswer {
  feature: number;
  brief: FeatureBrief;
  text: CircuitText | null;
  sides: CircuitSide[];
}

/** One head of a feature's circuit: with a text, its source tokens too (``upstream``). */
export interface HeadParams {
  scope: string;
  feature: number;
  layer: number;
  head: number;
  side: "upstream" | "downstream";
  text?: string;
  tokens?: number[] | null;
  pos?: number | null;
  k?: number;
}

/** What a head moves from one token of the text. */
export interface HeadSource {
  pos: number;
  text: string;
  score: number;
}

/** Answer of ``circuit.head``. */
export interface HeadAnswer {
  sources: HeadSource[];
  n_sources: number;
  rest: number;
  tokens: CircuitRow[];
}

/** One thing that an exporter can be told: ``parts`` are any of ``choices``, ``long`` a text of many lines. */
export interface ExportOption {
  name: string;
  meaning: string;
  type: "switch" | "choice" | "whole" | "number" | "text" | "long" | "parts";
  choices: string[];
  is_needed: boolean;
}

/** A way to take features out. */
export interface ExportKind {
  kind: string;
  title: string;
  meaning: string;
  group: "findings" | "tables" | "tools" | "notes";
  is_folder: boolean;
  name: string;
  takes_features: boolean;
  options: ExportOption[];
  defaults: Record<string, unknown>;
  others: string[];
  package: string;
  problem: string;
}

/** Answer of ``share.kinds``; ``folder`` is the kernel's own, from which paths go. */
export interface ExportKinds {
  kinds: ExportKind[];
  folder: string;
}

/** Which features: ``these``, those of the table's ``filter`` in its order, a list's, those labelled, all. */
export interface WhichFeatures {
  by: "these" | "filter" | "list" | "labelled" | "all";
  features: number[];
  name: string;
  filter: TableFilter | null;
  sort: string;
  descending: boolean;
}

/** What would be written, and where. */
export interface PlanParams {
  scope: string;
  kind: string;
  path: string;
  which: WhichFeatures;
}

/** Answer of ``share.plan``: how many features, and what is at the path. */
export interface ExportPlan {
  n_features: number;
  n_labelled: number;
  path: string;
  shown: string;
  there: "nothing" | "file" | "own" | "foreign" | "folder";
  n_bytes: number;
  changed_ms: number;
  free: string;
  problem: string;
  hint: string;
  unmet: string;
}

/** What would be written; a few features are, where nobody sees it. */
export interface EstimateParams {
  scope: string;
  kind: string;
  which: WhichFeatures;
  options?: Record<string, unknown>;
}

/** Answer of ``share.estimate``, from ``n_sampled`` features that were written; 0 where it is not known. */
export interface ExportEstimate {
  n_features: number;
  seconds: number;
  n_bytes: number;
  n_sampled: number;
  each_ms: number;
}

/** Write features; a file that is there is replaced only with ``overwrite``. */
export interface ExportRun {
  scope: string;
  kind: string;
  path: string;
  which: WhichFeatures;
  options?: Record<string, unknown>;
  overwrite?: boolean;
}

/** Event of a long task: ``done`` of ``total`` units of a stage; 0 in all when nobody knows how many. */
export interface Progressing {
  stage: string;
  unit: string;
  done: number;
  total: number;
  seconds_left: number | null;
}

/** Answer of ``share.export``. */
export interface ExportDone {
  path: string;
  shown: string;
  is_folder: boolean;
  n_features: number;
  n_files: number;
  n_bytes: number;
  seconds: number;
}

/** Names a file by its path. */
export interface FileParams {
  scope: string;
  path: string;
}

/** Answer of ``share.file``; buffer 0 is a file that this scope has written. */
export interface FileContent {
  name: string;
}

/** The beginning of a path, for which files with one of the endings, and folders, are sought. */
export interface FolderParams {
  scope: string;
  path: string;
  endings?: string[];
  wants_files?: boolean;
}

/** One of them; ``path`` is how to write it. */
export interface FolderEntry {
  path: string;
  name: string;
  is_folder: boolean;
  n_bytes: number;
  changed_ms: number;
}

/** Answer of ``share.files``: the first entries of ``folder``, by name, and how many more there are. */
export interface FolderEntries {
  folder: string;
  entries: FolderEntry[];
  n_more: number;
}

/** A file of notes; ``is_forced`` takes those on another SAE. */
export interface NotesParams {
  scope: string;
  path: string;
  is_forced?: boolean;
}

/** One field, list or mark that would be other than now; long texts are cut. */
export interface NotesChange {
  what: string;
  feature: number | null;
  name: string;
  field: string;
  old: string;
  new: string;
  change: "add" | "change" | "remove" | "merge" | "conflict";
}

/** Answer of ``import.preview``: the first changes, conflicts before others, and how many there are in all. */
export interface NotesPreview {
  path: string;
  changes: NotesChange[];
  n_changes: number;
  n_conflicts: number;
  n_own: number;
  digest: string;
}

/** Take in a file of notes as it was shown; ``conflicts`` says whose side counts where both changed the same. */
export interface NotesImport {
  scope: string;
  path: string;
  digest: string;
  conflicts?: "refuse" | "mine" | "file";
  is_forced?: boolean;
}

/** Answer of ``import.notes``: how many notes and lists changed; ``undo`` names it, and is empty if nothing did. */
export interface NotesTaken {
  n_changed: number;
  undo: string;
}

/** Names what was taken in. */
export interface UndoParams {
  scope: string;
  undo: string;
}

/** Answer of ``import.undo``; ``n_kept`` were changed again since, and stay as they are. */
export interface NotesUndone {
  n_undone: number;
  n_kept: number;
}

/** A file of labels, and what to call them; by default as it does itself. */
export interface LayerParams {
  scope: string;
  path: string;
  name?: string;
  source?: string;
  replaces?: boolean;
}

/** Names a layer. */
export interface LayerName {
  scope: string;
  name: string;
}

/** A label from elsewhere, beside a person's own. */
export interface LayerRow {
  feature: number;
  label: string;
  own: string;
}

/** Answer of ``layers.preview``: the first labels; ``n_replaced`` are in a layer of the same name. */
export interface LayerPreview {
  name: string;
  source: string;
  n_labels: number;
  n_own: number;
  n_replaced: number;
  rows: LayerRow[];
}

/** A layer. */
export interface LayerInfo {
  name: string;
  source: string;
  n_labels: number;
  author: string;
  saved_ms: number;
}

/** Answer of the methods of layers; ``undo`` says what of this session's changes can be taken back, if any. */
export interface LayerList {
  layers: LayerInfo[];
  undo: string;
}

/** A labeler; ``problem`` says why it cannot be used, if so. */
export interface LabelerInfo {
  name: string;
  meaning: string;
  package: string;
  problem: string;
}

/** Answer of ``labels.labelers``. */
export interface LabelerList {
  labelers: LabelerInfo[];
}

/** A labeler, and the features to label. */
export interface LabelsParams {
  scope: string;
  labeler: string;
  which: WhichFeatures;
}

/** A label with why, and how sure: 0 to 1. */
export interface MadeLabel {
  feature: number;
  label: string;
  reason: string;
  score: number | null;
}

/** Answer of ``labels.make``: the surest labels, how many there are in all, and the layers there are now. */
export interface LabelsMade {
  layer: string;
  n_asked: number;
  n_labeled: number;
  n_own: number;
  rows: MadeLabel[];
  list: LayerList;
}

/** What is wanted of an SAE; what is empty or none takes everything. */
export interface SaeFilter {
  model: string[];
  site: string[];
  layer: number[];
  width: number[];
  architecture: string[];
  l0_low: number | null;
  l0_high: number | null;
  has_labels: boolean | null;
  is_cached: boolean | null;
  source: string | null;
}

/** Ask for rows ``offset`` to ``offset + count`` of what matches, the best first; at most 500 at once. */
export interface SaeSearchParams {
  search?: string;
  filter?: SaeFilter;
  offset?: number;
  count?: number;
  refresh?: boolean;
}

/** An SAE in the list; ``spec`` is what `saescope.load` takes. What is none is not known before it is fetched. */
export interface SaeRow {
  spec: string;
  source: string;
  release: string;
  sae_id: string;
  model: string;
  site: string;
  layer: number | null;
  width: number | null;
  architecture: string;
  l0: number | null;
  has_labels: boolean;
  is_cached: boolean;
  disk_bytes: number | null;
}

/** A value that a filter can take, as JSON text, and how many SAEs it leaves; the text is empty where unknown. */
export interface FacetValue {
  value: string;
  n: number;
}

/** A filter, and the values it can take with the other filters as they are. */
export interface SaeFacet {
  name: string;
  values: FacetValue[];
}

/** Answer of ``registry.search``: ``missed`` are words that no SAE has. */
export interface SaeRows {
  n_all: number;
  n_match: number;
  offset: number;
  rows: SaeRow[];
  missed: string[];
  facets: SaeFacet[];
  is_offline: boolean;
}

/** Names one SAE: ``"release/sae_id"``, or the path of a folder. */
export interface SaeSpecParams {
  spec: string;
}

/** Answer of ``registry.describe``; bytes are estimates before it is fetched, ``code`` loads it. */
export interface SaeDetails {
  row: SaeRow;
  hook_name: string | null;
  hook_name_out: string | null;
  d_in: number | null;
  explained_variance: number | null;
  neuronpedia: string | null;
  dtype: string | null;
  prepend_bos: boolean | null;
  normalization: string | null;
  is_centered: boolean | null;
  repo: string;
  path: string;
  notes: string[];
  sae_bytes: number | null;
  model_bytes: number | null;
  model_dtype: string;
  free_bytes: number | null;
  place: string;
  fits: boolean | null;
  has_model: boolean;
  is_offline: boolean;
  code: string;
}

/** Load an SAE and a model in the kernel, for the panel of this id; without a model, the one it was trained on. */
export interface SaeLoadParams {
  spec: string;
  panel?: string;
  model?: string;
}

/** Event of ``registry.load``: bytes ``done`` of ``total`` of a stage; 0 in all when nobody knows how many. */
export interface SaeLoading {
  stage: string;
  done: number;
  total: number;
  rate: number;
  seconds_left: number | null;
}

/** Answer of ``registry.load``: the scope's id, and its name for a person. */
export interface SaeLoaded {
  scope: string;
  name: string;
}

/** One panel of another package, or why it cannot be shown. */
export interface PluginPanel {
  name: string;
  package: string;
  title: string;
  about: string;
  key: string;
  height_px: number;
  has_feature: boolean;
  works_without_index: boolean;
  error: string;
}

/** Answer of ``plugin.list``. */
export interface PluginPanels {
  panels: PluginPanel[];
}

/** Asks for the panels of other packages. */
export type PluginListParams = Record<string, never>;

/** A question that a panel's view asks its own Python class. */
export interface PluginAskParams {
  scope: string;
  panel: string;
  question: string;
  params?: Record<string, unknown>;
}

/** Answer of ``plugin.ask``: what the class's function returned. */
export interface PluginAnswer {
  data: Record<string, unknown>;
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
  "features.numbers": { params: NumbersParams; result: FeatureNumbers; event: never };
  "features.export": { params: ExportParams; result: FeatureExport; event: never };
  "features.histogram": { params: SpreadParams; result: ColumnSpread; event: never };
  "features.brief": { params: FeaturesParams; result: FeatureBriefs; event: never };
  "feature.get": { params: PageParams; result: FeaturePage; event: never };
  "examples.list": { params: ExamplesParams; result: ExamplesEnd; event: ExamplesPart };
  "lens.compute": { params: LensParams; result: LensTokens; event: never };
  "document.get": { params: DocumentParams; result: Document; event: never };
  "tokens.firing": { params: RowParams; result: Firing; event: never };
  "tokens.compute": { params: RowParams; result: Firing; event: never };
  "neighbors.metrics": { params: ScopeParams; result: Metrics; event: never };
  "neighbors.list": { params: NeighborsParams; result: Neighbors; event: never };
  "compare.get": { params: CompareParams; result: Comparison; event: never };
  "contrast.list": { params: ContrastParams; result: ContrastEnd; event: ContrastPart };
  "contrast.live": { params: ContrastParams; result: ContrastEnd; event: ContrastPart };
  "text.read": { params: TextParams; result: TextRead; event: TextStage };
  "map.get": { params: MapParams; result: MapData; event: never };
  "map.draw": { params: MapDrawParams; result: MapDrawn; event: never };
  "map.stop": { params: MapStopParams; result: MapDrawn; event: never };
  "health.get": { params: ScopeParams; result: Health; event: never };
  "health.measure": { params: MeasureParams; result: Measured; event: Measuring };
  "pairing.get": { params: ScopeParams; result: PairingDetails; event: never };
  "pairing.start": { params: PairingStart; result: Nothing; event: never };
  "pairing.stop": { params: ScopeParams; result: Nothing; event: never };
  "note.get": { params: FeatureParams; result: FeatureNote; event: never };
  "note.set": { params: NoteChange; result: FeatureNote; event: never };
  "note.undo": { params: NoteStep; result: FeatureNote; event: never };
  "note.redo": { params: NoteStep; result: FeatureNote; event: never };
  "marks.get": { params: MarksParams; result: FeatureMarks; event: never };
  "mark.set": { params: MarkChange; result: FeatureNote; event: never };
  "tags.get": { params: ScopeParams; result: TagCounts; event: never };
  "lists.get": { params: ScopeParams; result: FeatureLists; event: never };
  "lists.change": { params: ListChange; result: FeatureLists; event: never };
  "list.get": { params: ListParams; result: ListedFeatures; event: never };
  "list.undo": { params: ListParams; result: FeatureLists; event: never };
  "list.redo": { params: ListParams; result: FeatureLists; event: never };
  "kept.keep": { params: KeepParams; result: KeptResult; event: KeepStage };
  "kept.list": { params: KeptLinesParams; result: KeptLines; event: never };
  "kept.get": { params: KeptParams; result: KeptResult; event: never };
  "kept.title": { params: KeptTitle; result: KeptResult; event: never };
  "kept.remove": { params: KeptParams; result: KeptDone; event: never };
  "kept.undo": { params: KeptParams; result: KeptDone; event: never };
  "kept.redo": { params: KeptParams; result: KeptDone; event: never };
  "kept.rerun": { params: KeptParams; result: KeptAgain; event: KeepStage };
  "effects.next": { params: NextParams; result: NextTokens; event: never };
  "effects.kinds": { params: ScopeParams; result: AblationKinds; event: never };
  "effects.passages": { params: PassagesParams; result: Passages; event: never };
  "effects.ablate": { params: EffectParams; result: EffectRead; event: EffectStage };
  "effects.control": { params: EffectParams; result: EffectControl; event: EffectStage };
  "effects.examples": { params: SeriesParams; result: SeriesRead; event: SeriesPart };
  "effects.sweep": { params: SweepParams; result: SweepRead; event: SweepRead };
  "prompt.read": { params: PromptParams; result: PromptRead; event: PromptStage };
  "prompt.attribute": { params: AttributeParams; result: Attributed; event: PromptStage };
  "prompt.refine": { params: AttributeParams; result: Attributed; event: PromptStage };
  "prompt.exact": { params: ExactParams; result: ExactDone; event: ExactRows };
  "steer.known": { params: SteerKnownParams; result: SteerKnown; event: never };
  "steer.run": { params: SteerParams; result: Steered; event: Steering };
  "steer.direction": { params: DirectionParams; result: Direction; event: Steering };
  "circuit.get": { params: CircuitParams; result: CircuitAnswer; event: CircuitEvent };
  "circuit.head": { params: HeadParams; result: HeadAnswer; event: never };
  "share.kinds": { params: ScopeParams; result: ExportKinds; event: never };
  "share.plan": { params: PlanParams; result: ExportPlan; event: never };
  "share.estimate": { params: EstimateParams; result: ExportEstimate; event: never };
  "share.export": { params: ExportRun; result: ExportDone; event: Progressing };
  "share.file": { params: FileParams; result: FileContent; event: never };
  "share.files": { params: FolderParams; result: FolderEntries; event: never };
  "import.preview": { params: NotesParams; result: NotesPreview; event: never };
  "import.notes": { params: NotesImport; result: NotesTaken; event: never };
  "import.undo": { params: UndoParams; result: NotesUndone; event: Progressing };
  "layers.get": { params: ScopeParams; result: LayerList; event: never };
  "layers.preview": { params: LayerParams; result: LayerPreview; event: never };
  "layers.add": { params: LayerParams; result: LayerList; event: never };
  "layers.remove": { params: LayerName; result: LayerList; event: never };
  "layers.undo": { params: ScopeParams; result: LayerList; event: never };
  "labels.labelers": { params: ScopeParams; result: LabelerList; event: never };
  "labels.make": { params: LabelsParams; result: LabelsMade; event: Progressing };
  "registry.search": { params: SaeSearchParams; result: SaeRows; event: never };
  "registry.describe": { params: SaeSpecParams; result: SaeDetails; event: never };
  "registry.load": { params: SaeLoadParams; result: SaeLoaded; event: SaeLoading };
  "plugin.list": { params: PluginListParams; result: PluginPanels; event: never };
  "plugin.ask": { params: PluginAskParams; result: PluginAnswer; event: never };
}
