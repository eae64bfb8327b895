import type { FeatureRow } from "../src/data/rows.js";
import { MemoryPort } from "../src/ports/memory.js";
import type {
  ColumnSpread,
  Example,
  FeaturePage,
  RequestFrame,
  ScopeInfo,
  TableFilter,
  TokenWeight,
} from "../src/protocol/generated.js";

const TEXT = `The frigate was commissioned into the Austro-Hungarian Navy in 1867. She served with the second flotilla in the Adriatic, and her crew spoke of the Emperor with a warmth that surprised the officers from Vienna.\nBy the spring of that year, the harbour at Pola held more than thirty ships, and the town had grown to twice its size. <img src=x onerror=alert(1)> It was, as one historian would put it, the last fleet of sail.`;
const PIECES = TEXT.match(/ ?[A-Za-z]{1,6}|\n| ?[0-9]+| ?[^\sA-Za-z0-9]/g) ?? [];
const TOPICS = [
  ["Hungarian", "Austro", "Emperor"],
  ["would", "should", "might"],
  ["Calif", "Nevada", "Oregon"],
  ["1867", "1914", "1848"],
  [",", ";", "and"],
  ["harbour", "ships", "fleet"],
  ["\n", "."],
  ["crew", "officers", "sailors"],
];

export function infoOf(n_features: number): ScopeInfo {
  return {
    id: "dev",
    name: "dev",
    model: "SmolLM2-135M",
    sae: "topk-4096",
    site: "blocks.10.hook_resid_post",
    n_features,
    has_index: true,
    has_model: true,
    index: "dev",
    n_tokens: 2_040_000,
    n_counted: 1_998_000,
    context_size: 256,
    n_alive: Math.round(n_features * 0.97),
    l0: 40.2,
    lens: "norm_gain",
    is_complete: true,
    n_tokens_planned: 2_040_000,
    building: null,
    key: "dev",
    has_postings: true,
    imported: "",
    variable: "scope",
    places: [],
    units: "Activations are as the SAE gives them.",
    why_not_folded: "",
    remarks: [],
    pairing: null,
  };
}

function noise(n: number): number {
  const x = Math.sin(n * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}

type Row = Required<
  Pick<FeatureRow, "n_fires" | "density" | "max" | "mean" | "histogram" | "top_tokens" | "promoted">
> &
  FeatureRow;

function rowOf(feature: number, { info }: World): Row {
  const n = info.n_features;
  const read = info.n_tokens / info.n_tokens_planned;
  const isDead = feature % 37 === 5;
  const density = isDead ? 0 : 0.2 * Math.exp(-9 * noise(feature)) * (1 - (feature / n) * 0.5);
  const top = TOPICS[feature % TOPICS.length] ?? [];
  return {
    feature,
    density,
    n_fires: Math.round(density * info.n_counted),
    max: isDead ? 0 : (4 + 60 * noise(feature + 1)) * (0.8 + 0.2 * read),
    mean: 3,
    histogram: Array.from({ length: 16 }, (_, i) =>
      isDead ? 0 : Math.floor(9000 * density * Math.exp(-i * 0.4 * (0.5 + noise(feature + i)))),
    ),
    top_tokens: isDead ? [] : top,
    promoted: top,
  };
}

function weights(feature: number, sign: 1 | -1): TokenWeight[] {
  return Array.from({ length: 10 }, (_, i) => {
    const text = PIECES[(feature * 7 + i * 5 + (sign < 0 ? 31 : 0)) % PIECES.length] ?? "";
    return {
      token: 900 + i * 31 + (sign < 0 ? 7 : 0),
      text,
      raw: text.replace(" ", "Ġ"),
      weight: sign * (1.2 - i * 0.08),
    };
  });
}

export function pageOf(feature: number, world: World): FeaturePage {
  const row = rowOf(feature, world);
  return {
    ...row,
    n_counted: world.info.n_counted,
    std: 2,
    median: 2.1,
    histogram: {
      high: row.max,
      counts: Array.from({ length: 40 }, (_, i) => Math.floor(40_000 * row.density * Math.exp(-i / 5))),
    },
    promoted: weights(feature, 1),
    suppressed: weights(feature, -1),
    weights: {
      cosine: 0.62,
      encoder_bias: -1.2,
      threshold: 0.4,
      decoder_norm: 1,
      relative_norm: null,
      place_cosine: null,
    },
    rule: { n_skipped: 1, skips_special: true, max_norm_ratio: null },
    not_counted: "the first token of a context, special tokens",
    is_known: true,
    top_tokens: row.top_tokens.map((text, i) => ({ token: i, text: ` ${text}`, raw: `Ġ${text}`, weight: 1 })),
  };
}

function exampleOf(feature: number, rank: number, group: string, context: number, world: World): Example {
  const size = context === 0 ? 128 : 2 * context + 1;
  const peak = Math.floor(size / 2);
  const from = (feature * 13 + rank * 11) % PIECES.length;
  const texts = Array.from({ length: size }, (_, i) => PIECES[(from + i) % PIECES.length] ?? "");
  const activation = rowOf(feature, world).max * (group === "random" ? noise(rank) : 1 - rank * 0.03);
  const weak = (i: number) => (noise(from + i * 3) > 0.86 ? activation * noise(i + rank) * 0.6 : 0);
  return {
    rank,
    group,
    activation,
    peak,
    start: 40,
    doc: 100 + rank,
    source: "wiki",
    tokens: texts.map((_, i) => 700 + i),
    texts,
    raws: texts.map((t) => t.replace(" ", "Ġ").replace("\n", "Ċ")),
    activations: texts.map((_, i) => (i === peak ? activation : weak(i))),
    n_same: 0,
    row: 1000 * rank + 40,
  };
}

/** Each group with a made-up share. */
function groupsOf(max: number, n: number) {
  const group = (name: string, low: number, high: number, share: number) => ({
    name,
    low: low * max,
    high: high * max,
    n_fires: Math.round(share * 1000),
    share,
    is_exact: true,
  });
  const intervals = Array.from({ length: n }, (_, i) => n - i).map((i) =>
    group(`interval-${i}`, (i - 1) / n, i / n, (2 * (n - i) + 1) / n ** 2),
  );
  return [group("top", 0, 1, 1), group("random", 0, 1, 1), ...intervals];
}

type Params = Record<string, never> & {
  feature: number;
  offset: number;
  count: number;
  k: number;
  context: number;
  n_intervals?: number;
};

/** What the made-up kernel holds. Row `i` of its table is the feature `i + shift`. */
export interface World {
  info: ScopeInfo;
  shift: number;
}

/** A kernel in the page with made-up features, each answer `delay_ms` late. */
export function fixturePort(
  n: number,
  delay_ms = 15,
  world: World = { info: infoOf(n), shift: 0 },
): MemoryPort {
  return new MemoryPort((frame, port) => {
    setTimeout(() => answer(frame as unknown as RequestFrame, port, world), delay_ms);
  });
}

/** The kernel's news: the scope is so now. */
export function tell(port: MemoryPort, world: World, change: Partial<ScopeInfo>): void {
  world.info = { ...world.info, ...change };
  port.deliver({ t: "notify", topic: "scopes", data: { scopes: [world.info] } });
}

function answer(frame: RequestFrame | { t: string }, port: MemoryPort, world: World): void {
  if (frame.t === "hello") port.deliver({ t: "hello", protocol: 1, version: "dev", scopes: [world.info] });
  if (frame.t !== "request" || !("rid" in frame)) return;
  const data = result(frame, port, world);
  if (data) {
    port.deliver({ t: "result", rid: frame.rid, data });
    return;
  }
  const error = {
    code: "unknown_name",
    message: `Nothing is made up for ${frame.method}.`,
    hint: "",
    data: {},
  };
  port.deliver({ t: "error", rid: frame.rid, error });
}

/** What changes nothing here, or is answered by whoever uses the port. */
const QUIET = ["scope.select", "panel.save", "build.stop"];

/** How many rows a filter leaves: the word "nothing" finds none, a list of features these. */
function matchOf(filter: TableFilter | undefined, n: number): number {
  if (filter?.search === "nothing") return 0;
  return filter?.only?.length ?? n;
}

function spreadOf(column: string): ColumnSpread {
  const counts = Array.from({ length: 40 }, (_, i) => Math.round(900 * Math.exp(-((i - 16) ** 2) / 60)));
  const matching = counts.map((c) => Math.floor(c / 3));
  return { column, low: 0.0001, high: 1, is_log: true, counts, matching, n_apart: 9, n_match_apart: 2 };
}

function result(frame: RequestFrame, port: MemoryPort, world: World): object | undefined {
  const n = world.info.n_features;
  const params = frame.params as unknown as Params & { group: string; filter?: TableFilter; column: string };
  if (frame.method === "scope.info") return world.info;
  if (frame.method === "scope.selection")
    return { scope: world.info.id, feature: null, picked: [], text: "" };
  if (frame.method === "panel.load") return { state: {} };
  if (frame.method === "features.locate") return { row: (params.feature - world.shift + n) % n };
  if (frame.method === "feature.get") return pageOf(params.feature, world);
  if (frame.method === "features.window") {
    const nMatch = matchOf(params.filter, n);
    const size = Math.max(0, Math.min(params.count, nMatch - params.offset));
    const rows = Array.from({ length: size }, (_, i) => rowOf((params.offset + i + world.shift) % n, world));
    return { offset: params.offset, count: size, n_match: nMatch, n_features: n, rows };
  }
  if (frame.method === "features.histogram") return spreadOf(params.column);
  if (frame.method === "examples.list") {
    const all = Array.from({ length: params.k }, (_, i) =>
      exampleOf(params.feature, i, params.group, params.context, world),
    );
    for (const part of [all.slice(0, 8), all.slice(8)])
      port.deliver({ t: "event", rid: frame.rid, data: { examples: part } });
    return {
      n_examples: all.length,
      groups: groupsOf(rowOf(params.feature, world).max ?? 0, params.n_intervals ?? 5),
    };
  }
  return QUIET.includes(frame.method) ? {} : undefined;
}
