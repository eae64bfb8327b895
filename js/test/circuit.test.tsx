import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { CircuitRow, CircuitSide, CircuitText, ScopeInfo } from "../src/protocol/generated.js";
import { circuit } from "../src/views/circuit/Circuit.js";
import { points, ratioOf, roleOf, rowName, times } from "../src/views/circuit/naming.js";

const row = (part: Partial<CircuitRow>): CircuitRow => ({
  kind: "head",
  score: 1,
  method: "direct path",
  is_exact: true,
  layer: null,
  head: null,
  feature: null,
  pos: null,
  text: null,
  share: null,
  baseline: null,
  ...part,
});

const side = (part: Partial<CircuitSide>): CircuitSide => ({
  side: "upstream",
  rows: [],
  features: [],
  tokens: [],
  unit: "activation",
  notes: [],
  total: null,
  whole: null,
  n_more: 0,
  more: 0,
  shading: null,
  scope: null,
  briefs: null,
  problem: "",
  hint: "",
  ...part,
});

const TEXT = "In 1867 <b>the</b> navy";
const TEXTS = ["In", " 1867", " <b>the</b>", " navy"];
const BRIEF = {
  feature: 7,
  label: "years <i>here</i>",
  top_tokens: ["7"],
  density: 0.01,
  max: 60,
  n_fires: 9,
};

const textOf = (part: Partial<CircuitText> = {}): CircuitText => ({
  texts: TEXTS,
  activations: [0, 53.5, 0, 0],
  is_counted: [false, true, true, true],
  pos: 1,
  preactivation: 53.5,
  target: " the",
  contrast: "",
  at: 1,
  ...part,
});

const UP = side({
  rows: [
    row({ kind: "mlp", layer: 8, score: 40 }),
    row({ layer: 4, head: 3, score: 14, pos: 0, text: "In" }),
    row({ kind: "bias", score: -1 }),
    row({ kind: "error", score: -1e-5 }),
  ],
  total: 53.5,
  whole: 53.5,
  n_more: 100,
  more: 0.5,
  shading: [14, 0, 0, 0],
  notes: ["Nothing lies between."],
});
const DOWN = side({
  side: "downstream",
  unit: "nats",
  rows: [row({ kind: "direct", score: -0.7, is_exact: false, method: "last step" })],
  tokens: [
    row({ kind: "token", text: ",", score: 0.256, baseline: 0.1, method: "ablation" }),
    row({ kind: "token", text: " years", score: -0.058, baseline: 0.2, method: "ablation" }),
  ],
  total: -0.7,
  whole: -0.7,
});
const WEIGHTS = [
  side({
    rows: [row({ layer: 4, head: 4, score: 2.5, baseline: 1.25, method: "weights", is_exact: false })],
  }),
  side({
    side: "downstream",
    rows: [row({ layer: 11, head: 1, score: 3, baseline: 2, method: "weights: query", is_exact: false })],
  }),
];

let host: HTMLElement;
let unmount = () => {};
beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  unmount();
  host.remove();
});

const find = <T extends HTMLElement>(selector: string) => host.querySelector<T>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });
const says = (text: string) => vi.waitFor(() => expect(host.textContent).toContain(text), { timeout: 3000 });

interface Options {
  info?: Partial<ScopeInfo>;
  text?: string;
  onGet?: (params: Record<string, unknown>, rid: string, port: MemoryPort) => boolean;
}

function kernel({ info = {}, text = TEXT, onGet = () => false }: Options = {}): MemoryPort {
  const known: Record<string, object> = {
    "scope.info": { ...infoOf(64), ...info },
    "scope.selection": { scope: "dev", feature: 7, picked: [], text },
    "examples.list": { n_examples: 0, groups: ["top"] },
    "circuit.head": {
      sources: [
        { pos: 0, text: "In", score: 13.9 },
        { pos: 1, text: " 1867", score: 0.0001 },
      ],
      n_sources: 4,
      rest: 0.1,
      tokens: [
        row({ kind: "token", text: " copied", score: 2, baseline: 1 }),
        row({ kind: "token", text: " against", score: -2, baseline: 1 }),
      ],
    },
  };
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const { rid, method, params } = frame as { rid: string; method: string; params: Record<string, unknown> };
    if (method !== "circuit.get") return port.deliver({ t: "result", rid, data: known[method] ?? {} });
    if (onGet(params, rid, port)) return;
    const isOnText = params["by"] === "text";
    const data = {
      feature: params["feature"],
      brief: BRIEF,
      text: isOnText ? textOf({ pos: (params["pos"] as number | undefined) ?? 1 }) : null,
      sides: isOnText ? [UP, DOWN] : WEIGHTS,
    };
    setTimeout(() => port.deliver({ t: "result", rid, data }), 5);
  });
}

const show = (port: MemoryPort, state: object = {}) => {
  unmount = mount("circuit", port, host, { scope: "dev", feature: 7, state: { ...state } });
};
const gets = (port: MemoryPort) =>
  port.sent.filter((f) => f["method"] === "circuit.get").map((f) => f["params"] as Record<string, unknown>);

describe("a row", () => {
  test("has a short name, a multiple, and a role", () => {
    expect(rowName(row({ layer: 4, head: 3 }))).toBe("L4 H3");
    expect(rowName(row({ kind: "mlp", layer: 8 }))).toBe("L8 MLP");
    expect(rowName(row({ kind: "feature", layer: 4, head: 3 }))).toBe("by L4 H3");
    expect(ratioOf(row({ score: -3, baseline: 2 }))).toBe(1.5);
    expect(ratioOf(row({ score: 3 }))).toBeUndefined();
    expect([times(1.5), times(12.34)]).toEqual(["1.50×", "12.3×"]);
    expect(roleOf(row({ method: "weights: query" }))).toBe("query");
    expect([points(0.256), points(-0.0044), points(1e-6)]).toEqual(["+0.256", "−0.0044", "≈ 0"]);
  });
});

describe("circuit", () => {
  test("shows the sum, its parts with signs, and how each was had", async () => {
    show(kernel());
    await ready(".ss-circuit-rows");
    const left = find("[data-side=upstream]");
    expect(left?.textContent).toContain("The parts sum to 53.5 of 53.5");
    expect(left?.textContent).toContain("L4 H3");
    expect(left?.textContent).toContain("−1.00");
    expect(left?.textContent).toContain("100 more");
    expect(left?.textContent).toContain("≈ 0");
    expect(left?.querySelector(".ss-method")?.textContent).toBe("exact");
    const right = find("[data-side=downstream]");
    expect(right?.textContent).toContain("−0.700 nats");
    expect(right?.textContent).toContain("+0.256");
    expect([...(right?.querySelectorAll(".ss-method") ?? [])].map((n) => n.textContent)).toEqual([
      "exact",
      "estimate",
    ]);
    expect(find(".ss-circuit-middle")?.textContent).toContain("53.5 at “ 1867”");
  });

  test("shows markup in text and labels as text", async () => {
    show(kernel());
    await ready(".ss-signed-token");
    expect(all(".ss-signed-token").map((n) => n.textContent)).toContain(" <b>the</b>");
    expect(find(".ss-name-label")?.textContent).toBe("years <i>here</i>");
    expect(find(".ss-circuit i, .ss-signed b")).toBeNull();
  });

  test("looks at the token that is clicked, and forgets it with the feature", async () => {
    const port = kernel();
    show(port);
    await ready(".ss-signed-token[data-i='3']");
    expect(gets(port)[0]).not.toHaveProperty("pos");
    find(".ss-signed-token[data-i='3']")?.click();
    await vi.waitFor(() => expect(gets(port).at(-1)).toMatchObject({ feature: 7, pos: 3 }));
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: 9 } });
    await vi.waitFor(() => expect(gets(port).at(-1)).toMatchObject({ feature: 9 }));
    expect(gets(port).at(-1)).not.toHaveProperty("pos");
  });

  test("unfolds a head into its source tokens and what it copies", async () => {
    show(kernel());
    await ready(".ss-circuit-head");
    find(".ss-circuit-head")?.click();
    await ready(".ss-circuit-details");
    const shown = find(".ss-circuit-details")?.textContent;
    expect(shown).toContain("In+13.9");
    expect(shown).toContain("3 more");
    expect(shown).toContain(" copied");
    expect(find(".ss-circuit-head")?.getAttribute("aria-expanded")).toBe("true");
    find(".ss-circuit-head")?.click();
    await vi.waitFor(() => expect(find(".ss-circuit-details")).toBeNull());
  });

  test("by weights tells multiples, and asks for no text", async () => {
    const port = kernel();
    show(port);
    await ready(".ss-circuit-rows");
    all(".ss-circuit-bar button")
      .find((b) => b.textContent === "by weights")
      ?.click();
    await says("2.00×");
    expect(gets(port).at(-1)).toMatchObject({ by: "weights" });
    expect(gets(port).at(-1)).not.toHaveProperty("text");
    expect(find("[data-side=downstream]")?.textContent).toContain("query");
    expect(host.textContent).toContain("63 other features");
  });

  test("without a text the weights tell, and texts are offered", async () => {
    const port = kernel({ text: "" });
    show(port);
    await says("2.00×");
    await ready(".ss-try-starter");
    expect(gets(port).at(-1)).toMatchObject({ by: "weights" });
  });

  test("what writes shows before what reads has come", async () => {
    show(
      kernel({
        onGet: (_params, rid, port) => {
          port.deliver({ t: "event", rid, data: { stage: "reading", text: textOf(), side: null } });
          port.deliver({ t: "event", rid, data: { stage: "upstream", text: null, side: UP } });
          return true;
        },
      }),
    );
    await says("The parts sum to 53.5");
    expect(find("[data-side=downstream] .ss-circuit-rows")).toBeNull();
    await says("Taking the feature out.");
  });

  test("says why a side is missing, and that a feature does not fire", async () => {
    const silent = textOf({ activations: [0, 0, 0, 0], pos: 2, preactivation: -4.5 });
    const down = side({
      side: "downstream",
      problem: "Feature 7 does not fire at position 2.",
      hint: "Choose a token.",
    });
    show(
      kernel({
        onGet: (_params, rid, port) => {
          const data = { feature: 7, brief: BRIEF, text: silent, sides: [{ ...UP, whole: -4.5 }, down] };
          port.deliver({ t: "result", rid, data });
          return true;
        },
      }),
    );
    await says("Feature 7 does not fire at position 2. Choose a token.");
    expect(host.textContent).toContain("pre-activation −4.50");
    expect(host.textContent).toContain("its pre-activation here: it does not fire");
  });

  test("a failure says what to do, and is tried again", async () => {
    let isBroken = true;
    show(
      kernel({
        onGet: (_params, rid, port) => {
          const error = { code: "compute", message: "No linear path.", hint: "Take another SAE.", data: {} };
          if (isBroken) port.deliver({ t: "error", rid, error });
          return isBroken;
        },
      }),
    );
    await says("Take another SAE.");
    isBroken = false;
    find(".ss-notice button")?.click();
    await says("The parts sum to 53.5");
  });

  test("without the model says which call brings it", async () => {
    const port = kernel({ info: { has_model: false } });
    show(port);
    await says("saescope.load(model, sae=…, index=…)");
    expect(gets(port)).toEqual([]);
  });

  test("a feature of another SAE is shown in its own scope", async () => {
    const features = [
      row({ kind: "feature", feature: 30, score: 4, pos: 0, text: "In", method: "ablation" }),
    ];
    const briefs = [{ ...BRIEF, feature: 30, label: "earlier" }];
    const port = kernel({
      onGet: (_params, rid, self) => {
        const up = { ...UP, features, briefs, scope: "other" };
        self.deliver({
          t: "result",
          rid,
          data: { feature: 7, brief: BRIEF, text: textOf(), sides: [up, DOWN] },
        });
        return true;
      },
    });
    show(port, { upstream: "other" });
    await says("earlier");
    expect(gets(port)[0]).toMatchObject({ upstream: "other" });
    all(".ss-circuit-feature .ss-name")[0]?.click();
    await vi.waitFor(() =>
      expect(port.sent.find((f) => f["method"] === "scope.select")?.["params"]).toMatchObject({
        scope: "other",
        feature: 30,
      }),
    );
  });
});

test("the code is Python's", () => {
  const shared = { text: TEXT } as Parameters<typeof circuit.code>[2];
  const state = { ...circuit.initial, at: { feature: 7, text: TEXT, pos: 3 } };
  expect(circuit.code(state, 7, shared).split("\n")[0]).toBe(
    `scope.circuit(7, ${JSON.stringify(TEXT)}, pos=3)`,
  );
  expect(circuit.code(state, 9, shared)).not.toContain("pos=3");
  expect(circuit.code({ ...state, by: "weights" }, 7, shared)).toBe(
    'scope.circuit(7)\nscope.circuit(7, direction="downstream")',
  );
});
