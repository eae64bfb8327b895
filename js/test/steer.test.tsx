import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { callText } from "../src/data/call.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { RequestFrame, ScopeInfo, SteeredText } from "../src/protocol/generated.js";
import { Live, nameOf, textsOf } from "../src/views/steer/live.js";
import {
  callOf,
  changesOf,
  INITIAL,
  lacking,
  linesOf,
  messagesOf,
  type Plan,
  paramsOf,
  planOf,
} from "../src/views/steer/state.js";

const codeOf = (...given: Parameters<typeof callOf>) => callText(callOf(...given));

const plan = (part: Partial<Plan> = {}): Plan => ({ ...planOf(INITIAL, "The sea", 7), ...part });

describe("a plan", () => {
  test("steers the open feature until others are chosen", () => {
    expect(changesOf([], 7)).toEqual([{ feature: 7, kind: "amplify", strength: 1 }]);
    expect(changesOf([], undefined)).toEqual([]);
    expect(changesOf([{ feature: 3, kind: "zero", strength: 1 }], 7)).toHaveLength(1);
  });

  test("of a conversation ends with what the user says", () => {
    const chat = plan({ isChat: true, system: "Be brief.", turns: ["Hello", "Hi"] });
    expect(messagesOf(chat).map((m) => m.role)).toEqual(["system", "user", "assistant", "user"]);
    expect(messagesOf(plan({ isChat: true }))).toEqual([{ role: "user", content: "The sea" }]);
    expect(paramsOf(chat, "s")).not.toHaveProperty("text");
    expect(paramsOf(plan(), "s")).not.toHaveProperty("messages");
  });

  test("says what it lacks", () => {
    expect(lacking(plan())).toBe("");
    expect(lacking(plan({ text: "  " }))).toContain("Write a text");
    expect(lacking(plan({ changes: [] }))).toContain("Add a feature");
    expect(lacking(plan({ by: "contrast", positive: "a\n\n", negative: " " }))).toContain("of each kind");
    expect(linesOf(" a \n\n b")).toEqual([" a", " b"]);
  });

  test("is written as the Python call", () => {
    expect(codeOf(plan())).toBe('scope.steer("The sea", features={7: 1})');
    const several = plan({
      changes: [
        { feature: 7, kind: "zero", strength: 1 },
        { feature: 9, kind: "clamp", strength: 2 },
      ],
      strengths: [1, -1],
      drawing: { max_new_tokens: 20, temperature: 0.7, top_p: 0.9, seed: 3, where: "answer" },
    });
    expect(codeOf(several)).toBe(
      'scope.steer("The sea", features=[{"feature": 7, "kind": "zero", "strength": 1}, ' +
        '{"feature": 9, "kind": "clamp", "strength": 2}], strengths=[1, -1], max_new_tokens=20, ' +
        'temperature=0.7, seed=3, top_p=0.9, where="answer")',
    );
    expect(codeOf(plan({ changes: [{ feature: 7, kind: "zero", strength: 1 }] }))).toContain(
      'features=[7], kind="zero"',
    );
    expect(codeOf(plan({ by: "contrast", positive: "a", negative: "b", at: "mean", coefficient: 2 }))).toBe(
      'scope.steer("The sea", vector=scope.steering_vector(["a"], ["b"], at="mean"), coefficient=2)',
    );
    expect(codeOf(plan({ isChat: true }))).toContain('[{"role": "user", "content": "The sea"}]');
  });

  test("names its texts as Python does", () => {
    expect(nameOf(plan(), -2)).toBe("7 −2");
    expect(nameOf(plan({ changes: [{ feature: 7, kind: "zero", strength: 1 }] }), 2)).toBe("7 = 0");
    expect(nameOf(plan({ by: "contrast", coefficient: 0.5 }), 3)).toBe("vector ×1.5");
  });
});

test("texts grow by pieces, and differ from the first other token on", () => {
  const live = new Live(plan());
  const event = { stage: "writing" as const, done: 2, total: 9, rate: 3, seconds_left: 2 };
  live.take({
    ...event,
    rows: [
      { row: 0, tokens: [1, 2], texts: [" a", " b"], ended: "" },
      { row: 1, tokens: [1, 3], texts: [" a", ""], ended: "" },
    ],
  });
  live.take({ ...event, rows: [{ row: 1, tokens: [4], texts: [" 日"], ended: "end" }] });
  const [plain, steered] = live.texts("stopped");
  expect([plain?.text, plain?.ended, plain?.n_same]).toEqual([" a b", "stopped", 4]);
  expect([steered?.text, steered?.ended, steered?.n_same, steered?.n_tokens]).toEqual([" a 日", "end", 2, 3]);
});

test("a text that goes on longer than the unsteered one is other from there on", () => {
  const row = (tokens: number[]) => ({ tokens, texts: tokens.map(String), name: "", strength: 1 });
  const rest = { ended: "end" as const, logprob: null, kl: null };
  const rows: SteeredText[] = [
    { ...row([1, 2]), ...rest },
    { ...row([1, 2, 3]), ...rest },
    { ...row([1]), ...rest },
  ];
  expect(textsOf({ rows, n_prompt: 1 }).map((t) => t.n_same)).toEqual([2, 2, 1]);
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
  vi.useRealTimers();
});

const find = <T extends HTMLElement>(selector: string) => host.querySelector<T>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const settle = () => new Promise((done) => setTimeout(done, 20));
const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });
/** The panel can be asked for texts. */
const ready = () =>
  until(() => expect(find<HTMLButtonElement>(".ss-steer-run:not(:disabled)")).not.toBeNull());
/** A run has been asked for. */
const begun = async (world: World, n = 1) => {
  await until(() => expect(world.runs).toHaveLength(n));
  await until(() => expect(find(".ss-steer-run")?.textContent).toBe("Stop"));
};

interface World {
  port: MemoryPort;
  runs: RequestFrame[];
  emit: (data: object) => void;
  answer: (data: object) => void;
  fail: (error: object) => void;
  cancelled: string[];
}

function open(info: Partial<ScopeInfo> = {}, state: object = {}): World {
  const runs: RequestFrame[] = [];
  const cancelled: string[] = [];
  const own = { ...infoOf(100), has_model: true, ...info };
  const answers: Record<string, (params: Record<string, unknown>) => object | undefined> = {
    "scope.info": () => own,
    "scope.selection": () => ({ scope: own.id, feature: 7, picked: [], text: "" }),
    "panel.load": () => ({ state: {} }),
    "steer.known": ({ features }) => ({
      has_chat: false,
      n_context: 128,
      features: (features as number[]).map((feature) => ({ feature, mean: 2, median: 1, max: 8 })),
      briefs: (features as number[]).map((feature) => ({
        feature,
        label: `label <b>${feature}</b>`,
        top_tokens: [],
        density: 0.01,
        max: 8,
        n_fires: 5,
      })),
    }),
    "steer.direction": () => ({
      norm: 3,
      typical: 30,
      agreement: 0.4,
      share_of_error: 0.5,
      n_positive: 1,
      n_negative: 1,
      n_moved: 2,
      rows: [{ feature: 9, share: 0.3, explained: 0.4, cosine: 0.2, positive: 1, negative: 0 }],
      briefs: [],
    }),
  };
  const port = new MemoryPort((frame) => {
    const sent = frame as RequestFrame | { t: "cancel"; rid: string };
    if (sent.t === "cancel") cancelled.push(sent.rid);
    if (sent.t !== "request") return;
    if (sent.method === "steer.run") return void runs.push(sent);
    const data = answers[sent.method]?.(sent.params ?? {}) ?? {};
    queueMicrotask(() => port.deliver({ t: "result", rid: sent.rid, data }));
  });
  unmount = mount("steer", port, host, {
    scope: own.id,
    feature: 7,
    state: state as Record<string, unknown>,
  });
  const last = () => runs.at(-1)?.rid;
  return {
    port,
    runs,
    cancelled,
    emit: (data) => port.deliver({ t: "event", rid: last(), data }),
    answer: (data) => port.deliver({ t: "result", rid: last(), data }),
    fail: (error) => port.deliver({ t: "error", rid: last(), error }),
  };
}

const key = (node: Element | null, name: string, init: KeyboardEventInit = {}) =>
  node?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...init }));
const WRITING = { stage: "writing", done: 2, total: 60, rate: 4, seconds_left: 14.5 };

describe("the panel", () => {
  test("runs with ctrl+Enter, streams, and shows the figures at the end", async () => {
    const world = open({}, { text: "The sea" });
    await ready();
    await vi.waitFor(() => expect(find("[data-feature='7']")?.textContent).toContain("label <b>7</b>"));
    key(find("textarea"), "Enter", { ctrlKey: true });
    await begun(world);
    expect(world.runs[0]?.params).toMatchObject({
      text: "The sea",
      changes: [{ feature: 7, kind: "amplify", strength: 1 }],
      strengths: [1],
      seed: 0,
    });
    world.emit({
      ...WRITING,
      rows: [
        { row: 0, tokens: [1, 2], texts: [" is", " blue"], ended: "" },
        { row: 1, tokens: [1, 3], texts: [" is", " <i>red</i>"], ended: "" },
      ],
    });
    await settle();
    expect(find(".ss-steer-run")?.textContent).toBe("Stop");
    expect(find(".ss-steer-pace")?.textContent).toContain("2 of 60 tokens · 4.00 tokens/s · 15\u2009s left");
    expect(find("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("3");
    expect(all("[data-condition]").map((n) => n.dataset["condition"])).toEqual(["unsteered", "7 +1"]);
    expect(find("mark")?.textContent).toContain("<i>red</i>");
    expect(host.querySelector("mark i")).toBeNull();
    const text = (name: string, words: string[], kl: number) => ({
      name,
      strength: 1,
      tokens: words.map((w) => w.length),
      texts: words,
      ended: "length",
      logprob: -1.5,
      kl,
    });
    world.answer({ rows: [text("unsteered", [" is"], 0), text("7 +1", [" was"], 0.25)], n_prompt: 3 });
    await settle();
    expect(find(".ss-steer-run")?.textContent).toBe("Write");
    expect(find("[data-condition='7 +1']")?.textContent).toContain("KL 0.250");
    expect(find("[data-condition='unsteered']")?.textContent).not.toContain("KL");
  });

  test("stops with Escape and keeps what is written", async () => {
    const world = open({}, { text: "The sea" });
    await ready();
    find(".ss-steer-run")?.click();
    await begun(world);
    world.emit({ ...WRITING, rows: [{ row: 0, tokens: [1], texts: [" is"], ended: "" }] });
    await settle();
    key(find("textarea"), "Escape");
    await until(() => expect(world.cancelled).toEqual([world.runs[0]?.rid]));
    await until(() => expect(find(".ss-steer-run")?.textContent).toBe("Write"));
    expect(find("[data-condition='unsteered']")?.textContent).toContain(" is");
    expect(find("[data-condition='unsteered']")?.textContent).toContain("stopped");
    expect(find(".ss-steer-run")?.textContent).toBe("Write");
  });

  test("keeps what is written when the kernel goes", async () => {
    const world = open({}, { text: "The sea" });
    await ready();
    find(".ss-steer-run")?.click();
    await begun(world);
    world.emit({ ...WRITING, rows: [{ row: 1, tokens: [1], texts: [" was"], ended: "" }] });
    world.port.close();
    await settle();
    expect(find("[data-condition='7 +1']")?.textContent).toContain(" was");
  });

  test("says why a run failed, and tries again", async () => {
    const world = open({}, { text: "The sea" });
    await ready();
    find(".ss-steer-run")?.click();
    await begun(world);
    world.fail({
      code: "input",
      message: "the prompt has 200 tokens",
      hint: "Give a shorter prompt.",
      data: {},
    });
    await settle();
    expect(find(".ss-notice")?.textContent).toContain("Give a shorter prompt.");
    find<HTMLElement>(".ss-notice button")?.click();
    await begun(world, 2);
  });

  test("takes features by number, with a kind and a strength of their own, and at most three texts", async () => {
    const world = open({}, { text: "The sea" });
    await ready();
    const number = find<HTMLInputElement>("[data-box=number]") as HTMLInputElement;
    const add = async (text: string) => {
      number.value = text;
      number.dispatchEvent(new InputEvent("input", { bubbles: true }));
      await settle();
      number.form?.requestSubmit();
      await settle();
    };
    await add("900");
    expect(find("[role=alert]")?.textContent).toContain("No feature 900");
    await add("9");
    expect(all(".ss-steer-feature").map((n) => n.dataset["feature"])).toEqual(["7", "9"]);
    const kind = find<HTMLSelectElement>("[data-feature='9'] select") as HTMLSelectElement;
    kind.value = "clamp";
    kind.dispatchEvent(new Event("change", { bubbles: true }));
    await settle();
    const strength = find<HTMLInputElement>("[data-feature='9'] .ss-field") as HTMLInputElement;
    strength.value = "2,5";
    strength.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await settle();
    strength.value = "much";
    strength.dispatchEvent(new InputEvent("input", { bubbles: true }));
    await settle();
    expect(strength.getAttribute("aria-invalid")).toBe("true");
    for (let i = 0; i < 2; i++) {
      find("[aria-label^='Another text']")?.click();
      await settle();
    }
    expect(find("[aria-label^='Another text']")).toBeNull();
    find(".ss-steer-run")?.click();
    await begun(world);
    expect(world.runs[0]?.params).toMatchObject({
      changes: [
        { feature: 7, kind: "amplify", strength: 1 },
        { feature: 9, kind: "clamp", strength: 2.5 },
      ],
      strengths: [1, 2, -1],
    });
  });

  test("shows a contrast's direction in features, and steers one of them", async () => {
    open({}, { text: "The sea", by: "contrast", positive: "good", negative: "bad" });
    await ready();
    find(".ss-direction-bar button")?.click();
    await until(() => expect(find(".ss-direction")?.textContent).toContain("pairs agree 0.400"));
    find("[aria-label='Steer feature 9 alone']")?.click();
    await settle();
    expect(all(".ss-steer-feature").map((n) => n.dataset["feature"])).toEqual(["9"]);
  });

  test("says that it needs the model, and offers no chat without a template", async () => {
    open({ has_model: false });
    await until(() => expect(find(".ss-notice")?.textContent).toContain("saescope.load("));
    unmount();
    open({});
    await until(() => expect(find(".ss-steer-prompt button:disabled")).not.toBeNull());
    expect(
      all(".ss-steer-prompt button")
        .find((b) => b.textContent === "chat")
        ?.hasAttribute("disabled"),
    ).toBe(true);
  });
});
