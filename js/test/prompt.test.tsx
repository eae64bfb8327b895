import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { callText } from "../src/data/call.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { AttributionInfo, PromptRead, ScopeInfo } from "../src/protocol/generated.js";
import { PromptData } from "../src/views/prompt/data.js";
import { candidates, compared, ranked, rowsOf, shownOf } from "../src/views/prompt/rows.js";
import { callOf, INITIAL } from "../src/views/prompt/state.js";

const code = (...given: Parameters<typeof callOf>) => callText(callOf(...given));

const view = (array: Uint32Array | Float32Array, shift = 0) => {
  const bytes = new Uint8Array(array.byteLength + shift);
  bytes.set(new Uint8Array(array.buffer), shift);
  return new DataView(bytes.buffer, shift);
};

const METHODS: AttributionInfo[] = ["activation", "direct", "exact", "gradient", "integrated"].map(
  (name) => ({
    name,
    title: name,
    meaning: "It is.",
    source: "",
    is_exact: name === "exact",
    baseline: "zero",
    unit: name === "activation" ? "activation" : "metric",
    costs: name === "gradient" ? "pass" : name === "exact" || name === "integrated" ? "many" : "none",
  }),
);

/** A pair each: position, feature, activation, direct, gradient, exact over the whole text. */
type Pair = [pos: number, feature: number, activation: number, direct: number, gradient: number];
const PAIRS: Pair[] = [
  [1, 7, 2, 0, 0.5],
  [1, 9, 4, 0, -0.25],
  [2, 7, 3, 0.125, 1],
  [2, 40, 8, -0.5, 0.0625],
];

function answer(pairs: Pair[], texts: string[], target = " is"): { data: PromptRead; buffers: DataView[] } {
  const token = { token: 5, text: target, raw: target, probability: 0.5 };
  const data: PromptRead = {
    tokens: texts.map((_, i) => i),
    texts,
    raws: texts,
    counted: texts.map((_, i) => i > 0),
    target: token,
    contrast: null,
    metric: -0.69,
    methods: METHODS,
    took_ms: 4,
  };
  const buffers = [
    view(Uint32Array.from(pairs.map((p) => p[0]))),
    view(Uint32Array.from(pairs.map((p) => p[1])), 4),
    view(Float32Array.from(pairs.map((p) => p[2]))),
    view(Float32Array.from(pairs.map((p) => p[3]))),
  ];
  return { data, buffers };
}

function made(pairs = PAIRS, hasGradient = true): PromptData {
  const { data, buffers } = answer(pairs, ["a", " b", " c"]);
  const prompt = new PromptData("key", data, buffers);
  if (hasGradient) prompt.figures.set("gradient", Float32Array.from(pairs.map((p) => p[4])));
  return prompt;
}

describe("rows", () => {
  test("are sums over a text, and the pairs of a position", () => {
    const rows = rowsOf(made(), undefined);
    expect(rows.map((r) => [r.feature, r.activation, r.pos, r.nTokens, r.mass])).toEqual([
      [7, 3, 2, 2, 5],
      [9, 4, 1, 1, 4],
      [40, 8, 2, 1, 8],
    ]);
    expect(rows.map((r) => r.figures["gradient"])).toEqual([1.5, -0.25, 0.0625]);
    expect(rowsOf(made(), 1).map((r) => [r.feature, r.figures["gradient"]])).toEqual([
      [7, 0.5],
      [9, -0.25],
    ]);
  });

  test("show the exact figure where there is one, of the same place", () => {
    const prompt = made();
    prompt.setExact(9, undefined, 2);
    prompt.setExact(7, 1, -3);
    const [seven, nine] = rowsOf(prompt, undefined);
    expect(shownOf(seven, "gradient")).toEqual({ value: 1.5, method: "gradient", isExact: false });
    expect(shownOf(seven, "direct")).toEqual({ value: 0.125, method: "direct", isExact: false });
    expect(shownOf(nine, "gradient")).toEqual({ value: 2, method: "exact", isExact: true });
    expect(shownOf(rowsOf(prompt, 1)[0], "activation").value).toBe(-3);
    expect(shownOf(undefined, "gradient")).toEqual({ value: 0, method: "exact", isExact: true });
  });

  test("stand by what they are ranked by, by activation until that is here", () => {
    const order = (by: string, prompt = made()) =>
      ranked(rowsOf(prompt, undefined), by).map((r) => r.feature);
    expect(order("activation")).toEqual([40, 9, 7]);
    expect(order("direct")).toEqual([40, 7, 9]);
    expect(order("gradient")).toEqual([7, 9, 40]);
    expect(order("gradient", made(PAIRS, false))).toEqual([40, 9, 7]);
  });

  test("by exact do not move while they are measured, then stand by size", () => {
    const prompt = made();
    prompt.setExact(40, undefined, -0.5);
    prompt.setExact(9, undefined, 2);
    const rows = rowsOf(prompt, undefined);
    expect(candidates(rows).map((r) => r.feature)).toEqual([7, 40, 9]);
    expect(ranked(rows, "exact", false).map((r) => r.feature)).toEqual([7, 40, 9]);
    expect(ranked(rows, "exact", true).map((r) => r.feature)).toEqual([9, 40, 7]);
  });

  test("of two texts are put together by feature, the largest difference first", () => {
    const other = made([
      [1, 7, 1, 0, 1.25],
      [1, 9, 1, 0, 0.75],
      [2, 11, 5, 0, 0.0625],
    ]);
    const first = made();
    first.setExact(7, undefined, 1);
    other.setExact(7, undefined, 4);
    const found = compared([rowsOf(first, undefined), rowsOf(other, undefined)], "gradient", "difference");
    expect(found.map((r) => r.feature)).toEqual([9, 7, 40, 11]);
    const [nine, seven, forty, eleven] = found;
    expect(nine?.gaps[1]).toEqual({ value: 1, method: "gradient", isExact: false });
    expect(seven?.gaps[1]).toEqual({ value: 3, method: "exact", isExact: true });
    expect(forty?.rows[1]).toBeUndefined();
    expect(forty?.gaps[1]?.value).toBe(-0.0625);
    expect(eleven?.gaps[1]?.value).toBe(0.0625);
    const byRank = compared([rowsOf(first, undefined), rowsOf(other, undefined)], "gradient", "rank");
    expect(byRank.map((r) => r.feature)).toEqual([7, 9, 40, 11]);
  });

  test("of a token are led by its largest figures, and add up to its shade", () => {
    expect(made().perToken("gradient")).toEqual([null, 0.25, 1.0625]);
    expect(made().perToken("activation")).toEqual([null, 4, 8]);
    expect(made().leading(1, "gradient", 1)).toEqual([[7, 0.5]]);
  });
});

test("the call in Python gives the same", () => {
  const shared = { text: "a b" } as Parameters<typeof code>[1];
  const token = (n: number) => ({ token: n, text: "x" });
  expect(code(INITIAL, shared)).toBe('scope.prompt("a b", rank="gradient")');
  const aimed = { ...INITIAL, aim: { target: token(5), contrast: token(6) } };
  expect(code({ ...aimed, at: [3], by: "exact" }, shared)).toBe(
    'scope.attribute("a b", target=(5, 6), method="exact", pos=3)',
  );
  const others = [{ text: "c", aim: {} }];
  expect(code({ ...aimed, others }, shared)).toBe(
    'scope.prompt(["a b", "c"], target=[(5, 6), None], rank="gradient")',
  );
  expect(code({ ...INITIAL, others }, shared)).toBe('scope.prompt(["a b", "c"], rank="gradient")');
});

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

interface Options {
  info?: Partial<ScopeInfo>;
  text?: string;
  /** Answers a request itself. */
  on?: (frame: { rid: string; method: string; params: Record<string, unknown> }, port: MemoryPort) => boolean;
}

function kernel({ info = {}, text = "a b c", on = () => false }: Options = {}): MemoryPort {
  const known: Record<string, object> = {
    "scope.info": { ...infoOf(64), ...info },
    "scope.selection": { scope: "dev", feature: 9, picked: [], text },
    "examples.list": { n_examples: 0, groups: ["top"] },
    "features.brief": {
      briefs: [{ feature: 9, label: "<b>nine</b>", top_tokens: [], density: 0.1, max: 1, n_fires: 3 }],
    },
    "effects.next": { likeliest: [], typed: [] },
  };
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const request = frame as unknown as { rid: string; method: string; params: Record<string, unknown> };
    const { rid, method, params } = request;
    if (on(request, port)) return;
    const reply = (data: object, buffers: DataView[] = []) =>
      port.deliver({ t: "result", rid, data }, buffers);
    const texts = String(params["text"]).match(/\s?\S+/g) ?? [];
    const pairs =
      params["text"] === "a b c"
        ? PAIRS
        : PAIRS.slice(0, 2).map(([p, f, a, d, g]): Pair => [p, f + 1, a, d, g]);
    if (method === "prompt.read") {
      const { data, buffers } = answer(pairs, texts);
      setTimeout(() => reply(data, buffers), 2);
    } else if (method === "prompt.attribute") {
      const data = { method: params["method"], n_pairs: pairs.length, facts: {} };
      setTimeout(() => reply(data, [view(Float32Array.from(pairs.map((p) => p[4])))]), 2);
    } else if (method === "prompt.exact") {
      const features = params["features"] as number[];
      setTimeout(() => reply({ features, values: features.map((f) => f / 10) }), 2);
    } else reply(known[method] ?? {});
  });
}

function show(port: MemoryPort, state: object = {}): void {
  unmount = mount("prompt", port, host, { scope: "dev", feature: 9, state: { ...state } });
}

const asked = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);

describe("the prompt panel", () => {
  test("ranks by gradient, then has the exact figures of the shown rows, the best first", async () => {
    const port = kernel();
    show(port);
    await ready(".ss-method-exact");
    expect(all("li.ss-prompt-row").map((row) => row.dataset["feature"])).toEqual(["7", "9", "40"]);
    expect(asked(port, "prompt.exact")).toEqual([
      expect.objectContaining({ features: [7, 9, 40], text: "a b c" }),
    ]);
    await vi.waitFor(() => expect(all(".ss-method-exact")).toHaveLength(3));
    expect(find("li[data-feature='9']")?.textContent).toContain("+0.900");
    expect(find("li[data-feature='9']")?.textContent).toContain("−0.250");
    expect(host.textContent).toContain("log p(“ is”)");
    expect(find(".ss-name-label")?.textContent).toBe("<b>nine</b>");
    expect(host.querySelector("li b")).toBeNull();
  });

  test("restricts the list to a token, and measures there", async () => {
    const port = kernel();
    show(port);
    await ready(".ss-method-exact");
    find("[data-i='1']")?.click();
    await vi.waitFor(() => expect(all("li.ss-prompt-row")).toHaveLength(2));
    await vi.waitFor(() =>
      expect(asked(port, "prompt.exact").at(-1)).toMatchObject({ pos: 1, features: [7, 9] }),
    );
    find("button[aria-label='The whole text']")?.click();
    await vi.waitFor(() => expect(all("li.ss-prompt-row")).toHaveLength(3));
  });

  test("has integrated gradients when asked for, tells how far they are, and stops", async () => {
    let rid = "";
    const port = kernel({
      on: (frame, own) => {
        if (frame.method !== "prompt.refine") return false;
        rid = frame.rid;
        const facts = { n_steps: 9, effect: 2, error: 0.5 };
        own.deliver({ t: "event", rid, data: { stage: "running", n_tokens: 3, done: 9, total: 17, facts } });
        return true;
      },
    });
    show(port);
    await ready(".ss-method-exact");
    all(".ss-try-choice button")
      .find((b) => b.textContent === "integrated")
      ?.click();
    await vi.waitFor(() => expect(host.textContent).toContain("integrated: 9 runs, adds up to within 25.0"), {
      timeout: 3000,
    });
    find(".ss-stop")?.click();
    await vi.waitFor(() => expect(host.textContent).toContain("Stopped"));
    expect(port.sent.some((f) => f["t"] === "cancel" && f["rid"] === rid)).toBe(true);
    all("button")
      .find((b) => b.textContent === "Go on")
      ?.click();
    await vi.waitFor(() => expect(asked(port, "prompt.refine")).toHaveLength(2));
  });

  test("compares texts: aligned by feature, what fires in one only is marked", async () => {
    const port = kernel();
    show(port, { others: [{ text: "d e", aim: {} }] });
    await ready(".ss-prompt-table tbody tr");
    await vi.waitFor(() => expect(all("tbody tr")).toHaveLength(5));
    const row = (feature: number) => find(`tr[data-feature='${feature}']`)?.textContent ?? "";
    expect(row(9)).toContain("only A");
    expect(row(9)).toContain("does not fire");
    expect(row(8)).toContain("only B");
    expect(all("thead th").map((th) => th.textContent)).toEqual([
      "5 features",
      "A log p(“ is”)",
      "B log p(“ is”)",
      "B − A",
    ]);
    await vi.waitFor(() => expect(row(40)).toContain("−4.00"));
    find("button[aria-label='Take text B away']")?.click();
    await ready("ol li.ss-prompt-row");
    expect(all("textarea")).toHaveLength(1);
  });

  test("says what failed, and asks again", async () => {
    let fails = true;
    const port = kernel({
      on: ({ rid, method }, own) => {
        if (method !== "prompt.read" || !fails) return false;
        const message = "the text has 300 tokens and the model takes 128.";
        own.deliver({
          t: "error",
          rid,
          error: { code: "input", message, hint: "Give a shorter text.", data: {} },
        });
        return true;
      },
    });
    show(port);
    await ready(".ss-notice");
    expect(host.textContent).toContain("the model takes 128");
    fails = false;
    all("button")
      .find((b) => b.textContent === "Retry")
      ?.click();
    await ready("li.ss-prompt-row");
  });

  test("without a model says what to load; without a text offers some", async () => {
    show(kernel({ info: { has_model: false } }));
    await ready(".ss-call");
    unmount();
    show(kernel({ text: "" }));
    await ready(".ss-try-starter");
    expect(host.textContent).toContain("The capital of France is");
  });

  test("arrow keys go from feature to feature", async () => {
    show(kernel());
    await ready(".ss-method-exact");
    const names = all("ol .ss-name");
    names[0]?.focus();
    names[0]?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    expect(document.activeElement).toBe(names[1]);
    names[1]?.click();
    await vi.waitFor(() => expect(find("li.ss-open")?.dataset["feature"]).toBe("9"));
  });
});
