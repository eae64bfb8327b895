import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { callText } from "../src/data/call.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { EffectParams, FeatureBrief, ScopeInfo, SweepRead } from "../src/protocol/generated.js";
import { controlAt, EffectData } from "../src/views/effects/effectData.js";
import { rootPlace } from "../src/views/effects/Strip.js";
import { roundTicks } from "../src/views/effects/SweepChart.js";
import { callOf, INITIAL, sweepParams } from "../src/views/effects/state.js";

const codeOf = (...given: Parameters<typeof callOf>) => callText(callOf(...given));

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
const said = () => host.textContent ?? "";
const until = (text: string) => vi.waitFor(() => expect(said()).toContain(text), { timeout: 3000 });
const button = (text: string) => all("button").find((b) => b.textContent === text) as HTMLButtonElement;

const view = (array: Uint32Array | Float32Array) => new DataView(array.buffer);
const u32 = (list: number[]) => view(Uint32Array.from(list));
const f32 = (list: number[]) => view(Float32Array.from(list));
const name = (token: number, text: string) => ({ token, text, raw: text });

/** "a b c d": feature 9 fires on "b" (position 1); taking it out lowers " d" after "c". */
const READ = {
  tokens: [10, 11, 12, 13],
  texts: ["a", " b", " c", " d"],
  raws: ["a", "b", "c", "d"],
  counted: [false, true, true, true],
  activations: [0, 5, 0, 0],
  at: [1],
  start: 1,
  targets: [12, 13, 40],
  before: [-1, -0.5, -2],
  after: [-1.1, -2.5, -1.9],
  kl: [0.01, 0.8, 0.02],
  contrast: null as number[] | null,
  likeliest: { ...name(40, " e"), probability: 0.13 },
  n_moved: 1,
  names: [name(12, " c"), name(13, " d"), name(40, " e"), name(50, " <i>x</i>")],
};
const BUFFERS = [
  u32([50, 12, 50, 13, 50, 40]),
  f32([0.1, 0.3, 0.1, 0.6, 0.1, 0.2]),
  f32([0.2, 0.2, 0.7, 0.08, 0.2, 0.1]),
];
const CONTROL = {
  controls: [[20], [21]],
  briefs: [20, 21].map((feature) => ({ feature, label: "", top_tokens: [] }) as unknown as FeatureBrief),
  start: 1,
  delta_logprob: [
    [0, -0.1, 0],
    [0, -0.3, 0],
  ],
  kl: [
    [0, 0.02, 0],
    [0, 0.04, 0],
  ],
};

describe("what a change did", () => {
  const data = new EffectData(READ, BUFFERS);

  test("is read from the answer and its buffers, wherever they begin", () => {
    const bytes = new Uint8Array(12 + 5);
    bytes.set(new Uint8Array(Float32Array.from([1, 2, 3]).buffer), 5);
    expect(() => new EffectData(READ, [u32([1]), new DataView(bytes.buffer, 5), f32([])])).not.toThrow();
    expect(data.delta(2)).toBeCloseTo(-2);
    expect(data.delta(0)).toBe(0);
    expect(data.logprobs(0)).toBeUndefined();
    expect([data.busiest, data.last, data.strongest]).toEqual([2, 3, 1]);
    expect([data.target(0), data.target(2), data.target(3)].map((t) => t?.text)).toEqual([" b", " d", " e"]);
    const { raised, lowered } = data.moved(2);
    expect(raised.map((t) => [t.text, t.before, t.after].join())).toEqual([
      [" <i>x</i>", Math.fround(0.1), Math.fround(0.7)].join(),
    ]);
    expect(lowered.map((t) => t.token)).toEqual([13]);
    expect(data.moved(0)).toEqual({ raised: [], lowered: [] });
  });

  test("stands beside the mean of its controls", () => {
    expect(controlAt(CONTROL, 2)?.delta).toBeCloseTo(-0.2);
    expect(controlAt(CONTROL, 2)?.kl).toBeCloseTo(0.03);
    expect(controlAt(CONTROL, 0)).toEqual({ delta: 0, kl: 0 });
    expect(controlAt({ ...CONTROL, delta_logprob: [], kl: [] }, 2)).toBeUndefined();
  });
});

test("a panel is copied as the call that gives its figures", () => {
  expect(codeOf({ ...INITIAL, text: "a b" }, 9, "")).toBe('scope.ablate("a b", 9)');
  const aim = { target: { token: 5, text: " San" } };
  const state = {
    ...INITIAL,
    text: "a",
    kind: "clamp",
    options: { clamp: { value: 2 } },
    where: "one" as const,
    pos: 3,
  };
  expect(codeOf({ ...state, aim }, 9, "")).toBe(
    'scope.ablate("a", 9, kind="clamp", value=2, pos=3, target=5, last_only=False)',
  );
  expect(codeOf({ ...INITIAL, source: "example", tokens: [1, 2] }, 9, "")).toBe("scope.ablate([1, 2], 9)");
  expect(codeOf({ ...state, mode: "examples" }, 9, "")).toBe(
    'scope.effect_summary(9, k=20, kind="clamp", value=2, pos="peak")',
  );
  expect(codeOf({ ...INITIAL, mode: "sweep", text: "a", where: "fires" }, 9, "")).toBe(
    'scope.sweep("a", 9, pos="fires")',
  );
});

test("a sweep is asked for on the tokens up to the position that is looked at", () => {
  const params: EffectParams = { scope: "s", features: [9], text: "x", positions: [1, 3] };
  expect(sweepParams(params, [10, 11, 12, 13], 2, 13, undefined)).toEqual({
    scope: "s",
    feature: 9,
    tokens: [10, 11, 12],
    target: 13,
    positions: [1],
  });
});

test("scales are round and keep signs apart", () => {
  expect(roundTicks(-6.5, 0.3)).toEqual([-6, -4, -2, 0]);
  expect(roundTicks(0, 0)).toEqual([0]);
  expect([rootPlace(-1, 4, true), rootPlace(0, 4, true), rootPlace(1, 4, true)]).toEqual([0.25, 0.5, 0.75]);
  expect([rootPlace(1, 4, false), rootPlace(1, 0, true)]).toEqual([0.5, 0.5]);
});

const KINDS = [
  {
    name: "zero",
    title: "zero",
    meaning: "Zero.",
    options: [],
    where: "fires",
    takes_other: false,
    problem: "",
  },
  {
    name: "scale",
    title: "scale",
    meaning: "Times.",
    options: [{ name: "factor", meaning: "how much", default: 2, low: null, high: null, is_switch: false }],
    where: "fires",
    takes_other: false,
    problem: "",
  },
  {
    name: "mean",
    title: "mean",
    meaning: "Mean.",
    options: [],
    where: "all",
    takes_other: false,
    problem: "No index.",
  },
];
const PASSAGES = [
  { row: 7, activation: 5, tokens: READ.tokens, texts: READ.texts, peak: 1 },
  { row: 9, activation: 4, tokens: [1, 2], texts: ["x", "y"], peak: 0 },
];
const sweepOf = (done: number): SweepRead => ({
  feature: 9,
  strengths: [-5, 0, 5, 10],
  current: 5,
  at: [1],
  fires: true,
  natural: [0, 5, 2, 4],
  target: { ...name(13, " d"), probability: 0.6 },
  before: -0.5,
  points: [0, 1, 2, 3].map((place) => ({
    place,
    logprob: -0.5 * place,
    delta_logprob: place - 2,
    kl: 0.1,
    contrast: null,
    control_delta_logprob: done > 1 ? 0.1 : null,
    control_kl: done > 1 ? 0.1 : null,
  })),
  n_controls: done - 1,
  done,
  total: 4,
});

interface Options {
  info?: Partial<ScopeInfo>;
  text?: string;
  answer?: (method: string, params: Record<string, unknown>) => object | undefined;
}

function kernel({ info = {}, text = "", answer = () => undefined }: Options = {}): MemoryPort {
  const known: Record<string, object> = {
    "scope.info": { ...infoOf(64), ...info },
    "scope.selection": { scope: "dev", feature: 9, picked: [], text },
    "effects.kinds": { kinds: KINDS },
    "effects.passages": { passages: PASSAGES },
    "effects.ablate": READ,
    "effects.control": CONTROL,
    "effects.sweep": sweepOf(4),
  };
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const { rid, method, params } = frame as { rid: string; method: string; params: Record<string, unknown> };
    const given = answer(method, params);
    if (given && "code" in given)
      return port.deliver({ t: "error", rid, error: { hint: "", data: {}, ...given } });
    const data = given ?? known[method] ?? {};
    setTimeout(() => port.deliver({ t: "result", rid, data }, method === "effects.ablate" ? BUFFERS : []), 2);
  });
}

const show = (port: MemoryPort, state: object = {}) => {
  unmount = mount("effects", port, host, { scope: "dev", feature: 9, state: { ...state } });
};
const asked = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);

describe("the effects panel", () => {
  test("shows what the feature does in its strongest example, beside its control", async () => {
    const port = kernel();
    show(port);
    await until("control −0.200");
    expect(asked(port, "effects.ablate")).toEqual([
      { scope: "dev", features: [9], tokens: READ.tokens, kind: "zero", options: {}, where: "fires" },
    ]);
    expect(find("h3")?.textContent).toContain(" d after  c at 2");
    for (const text of ["−2.00 nats", "0.800 nats", "log p −0.500", "exact", "n 1 text", "#20", "#21"])
      expect(said()).toContain(text);
    expect(find(".ss-moved i")).toBeNull();
    expect(said()).toContain(" <i>x</i>");
    expect(all(".ss-signed-token").map((t) => t.textContent)).toEqual(["a", " b", " c", " d", " ▸e"]);
    expect(find(".ss-fall.ss-shade")?.textContent).toBeTruthy();
  });

  test("a click looks at another token; at one token it is where the change is made", async () => {
    const port = kernel();
    show(port);
    await until("control −0.200");
    all(".ss-signed-token")[4]?.click();
    await vi.waitFor(() => expect(find("h3")?.textContent).toContain(" e after  d at 3"));
    const where = all("select").at(-1) as HTMLSelectElement;
    where.value = "one";
    where.dispatchEvent(new Event("change", { bubbles: true }));
    await vi.waitFor(() => expect(asked(port, "effects.ablate").at(-1)).toMatchObject({ positions: [1] }));
    all(".ss-signed-token")[2]?.click();
    await vi.waitFor(() => expect(asked(port, "effects.ablate").at(-1)).toMatchObject({ positions: [2] }));
    expect(asked(port, "effects.ablate").at(-1)).not.toHaveProperty("where");
  });

  test("a typed text takes the place of the example, and another kind brings its form", async () => {
    const port = kernel();
    show(port);
    await until("control −0.200");
    const box = find<HTMLTextAreaElement>("textarea") as HTMLTextAreaElement;
    box.value = "in the city of";
    box.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
    await vi.waitFor(() =>
      expect(asked(port, "effects.ablate").at(-1)).toMatchObject({ text: "in the city of" }),
    );
    expect(asked(port, "effects.ablate").at(-1)).not.toHaveProperty("tokens");
    const kind = all("select")[0] as HTMLSelectElement;
    expect([...kind.options].map((o) => o.disabled)).toEqual([false, false, true]);
    kind.value = "scale";
    kind.dispatchEvent(new Event("change", { bubbles: true }));
    await vi.waitFor(() => expect(find<HTMLInputElement>(".ss-eff-number")?.value).toBe("2"));
    const factor = find<HTMLInputElement>(".ss-eff-number") as HTMLInputElement;
    factor.value = "-1.5";
    factor.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await vi.waitFor(() =>
      expect(asked(port, "effects.ablate").at(-1)).toMatchObject({
        kind: "scale",
        options: { factor: -1.5 },
      }),
    );
    const n = asked(port, "effects.ablate").length;
    factor.value = "-1.5x";
    factor.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await vi.waitFor(() => expect(factor.getAttribute("aria-invalid")).toBe("true"));
    expect(asked(port, "effects.ablate")).toHaveLength(n);
  });

  test("while one types, and when all is deleted, nothing is said of examples that there are", async () => {
    const port = kernel();
    show(port);
    await until("control −0.200");
    const box = find<HTMLTextAreaElement>("textarea") as HTMLTextAreaElement;
    const heard: string[] = [];
    const watcher = new MutationObserver(() => heard.push(said()));
    watcher.observe(host, { subtree: true, childList: true, characterData: true });
    for (const text of ["i", ""]) {
      box.value = text;
      box.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await until("control −0.200");
    watcher.disconnect();
    expect(heard.some((text) => text.includes("has no examples"))).toBe(false);
  });

  test("says plainly that a feature does not fire, that a text is too long, and that there is no model", async () => {
    const still = {
      ...READ,
      at: [],
      activations: [0, 0, 0, 0],
      start: 3,
      targets: [40],
      before: [-1],
      after: [-1],
      kl: [0],
    };
    show(
      kernel({ answer: (method) => (method === "effects.ablate" ? { ...still, n_moved: 0 } : undefined) }),
    );
    await until("#9 does not fire on this text.");
    unmount();
    const long = { code: "input", message: "the text has 999 tokens and the model takes 128." };
    show(kernel({ answer: (method) => (method === "effects.ablate" ? long : undefined) }));
    await until("has 999 tokens");
    expect(button("Retry")).toBeTruthy();
    unmount();
    show(kernel({ info: { has_model: false } }));
    await until("needs the model");
  });

  test("without controls the figures stand, and it says why there are none", async () => {
    const none = {
      code: "compute",
      message: "3 controls were wanted for feature 9, and 1 are far enough from it.",
    };
    show(kernel({ answer: (method) => (method === "effects.control" ? none : undefined) }));
    await until("no control: 3 controls were wanted");
    expect(said()).toContain("−2.00 nats");
  });

  test("a sweep is drawn and read by keys", async () => {
    const port = kernel();
    show(port, { mode: "sweep" });
    await until("control: mean of 3 matched");
    expect(asked(port, "effects.sweep")[0]).toMatchObject({ feature: 9, tokens: [10, 11, 12], target: 13 });
    const chart = find(".ss-eff-chart") as HTMLElement;
    expect(chart.getAttribute("aria-valuetext")).toContain("as it is: 0 nats");
    chart.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    await vi.waitFor(() => expect(chart.getAttribute("aria-valuetext")).toContain("taken out: −1.00 nats"));
    chart.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
    await vi.waitFor(() =>
      expect(chart.getAttribute("aria-valuetext")).toContain("outside its range: −2.00 nats"),
    );
    expect(find(".ss-eff-natural")).not.toBeNull();
  });

  test("examples stream, end in means with intervals, can be stopped, and open as a text", async () => {
    const example = (rank: number) => ({
      rank,
      row: 100 + rank,
      activation: 5,
      pos: 3,
      texts: ["a", " b", " <b>c"],
      peak: 1,
      next_text: " <b>c",
      n_changed: 1,
      n_after: 2,
      delta_logprob: -1 - rank,
      kl: 0.5,
      delta_logprob_after: 0,
      kl_after: 0,
      control_delta_logprob: 0.1,
      control_kl: 0,
      control_delta_logprob_after: 0,
      control_kl_after: 0,
    });
    const mean = (of: string, value: number) => ({
      quantity: "delta_logprob",
      of,
      n: 2,
      mean: value,
      low: value - 1,
      high: value + 1,
    });
    const summary = [mean("feature", -1.5), mean("control", 0.1), mean("difference", -1.6)];
    const plain = kernel();
    const port = new MemoryPort((frame, from) => {
      if (frame["method"] !== "effects.examples") {
        plain.onFrame((answer, buffers) => from.deliver(answer as object, buffers));
        return plain.send(frame);
      }
      const rid = frame["rid"];
      from.deliver({ t: "event", rid, data: { example: example(0), done: 1, total: 2, seconds_left: 3 } });
      setTimeout(() => {
        from.deliver({ t: "event", rid, data: { example: example(1), done: 2, total: 2, seconds_left: 0 } });
        from.deliver({ t: "result", rid, data: { examples: [example(0), example(1)], summary } });
      }, 60);
    });
    show(port, { mode: "examples" });
    await until("What does #9 do where it fires?");
    button("Run").click();
    await until("1 of 2 examples · 3");
    expect(button("Stop")).toBeTruthy();
    await until("−2.60 to −0.600");
    expect(all(".ss-eff-row")).toHaveLength(2);
    expect(find("b b")).toBeNull();
    expect(said()).toContain("2 examples say little of all");
    all(".ss-eff-row button")[1]?.click();
    await vi.waitFor(() => expect(asked(plain, "effects.ablate").at(-1)).toMatchObject({ tokens: [1, 2] }));
  });
});
