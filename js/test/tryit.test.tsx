import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import ranking from "../../tests/unit/ranking_golden.json";
import { infoOf } from "../dev/fixture.js";
import { literal } from "../src/data/call.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { ScopeInfo, TextRead } from "../src/protocol/generated.js";
import { plainText } from "../src/views/tryit/Empty.js";
import { TextHistory } from "../src/views/tryit/history.js";
import { RANKINGS, rank } from "../src/views/tryit/ranking.js";
import { Tried } from "../src/views/tryit/tried.js";

const golden: Omit<typeof ranking, "rows"> & { rows: Record<string, number | null>[] } = ranking;

const view = (array: Uint32Array | Float32Array | Float64Array, shift = 0) => {
  const bytes = new Uint8Array(array.byteLength + shift);
  bytes.set(new Uint8Array(array.buffer), shift);
  return new DataView(bytes.buffer, shift);
};

function goldenText(shift = 0): Tried {
  const { pos, features, values, unique, maxima, n_fires } = golden;
  const data = {
    tokens: [1, 2, 3, 4],
    texts: ["a", "b", "c", "d"],
    raws: ["a", "b", "c", "d"],
    reasons: golden.reasons,
    n_all: 4,
    n_counted: golden.n_counted,
    briefs: [],
  };
  const u32 = (list: number[] | undefined) => view(Uint32Array.from(list ?? []), shift);
  const buffers = [
    u32(pos),
    u32(features),
    view(Float32Array.from(values ?? []), shift),
    u32(unique),
    view(Float32Array.from(maxima ?? []), shift),
    view(Float64Array.from(n_fires ?? []), shift),
  ];
  return new Tried("abcd", data, buffers);
}

describe("a ranking", () => {
  test.each(RANKINGS.map(({ by }) => by))("by %s is Python's", (by) => {
    expect(rank(goldenText(), by).map((r) => r.feature)).toEqual(golden.orders[by]);
  });

  test("has Python's figures, from buffers at any place", () => {
    const found = rank(goldenText(1), "max").sort((a, b) => a.feature - b.feature);
    expect(found).toHaveLength(golden.rows.length);
    for (const [i, row] of golden.rows.entries()) {
      for (const [name, value] of Object.entries(row)) {
        const ours = found[i]?.[name as keyof (typeof found)[number]];
        if (value === null) expect(ours).toBe(Number.POSITIVE_INFINITY);
        else expect(ours).toBeCloseTo(value, 10);
      }
    }
  });

  test("of one token holds what fires there, counted or not", () => {
    expect(rank(goldenText(), "max", 0).map((r) => [r.feature, r.max])).toEqual([
      [5, 90],
      [9, 8],
    ]);
    expect(rank(goldenText(), "tokens", 3).map((r) => r.feature)).toEqual([5, 7, 40]);
  });
});

test("a shading has its peak among the tokens that count, and its ceiling in the index", () => {
  const shading = goldenText().shading(5);
  expect([...shading.activations]).toEqual([90, 3.25, 0, 3.25]);
  expect([shading.peak, shading.max, shading.n_tokens, shading.ceiling]).toEqual([1, 3.25, 2, 4]);
  expect(goldenText().shading(6).peak).toBeUndefined();
});

describe("the history of a text", () => {
  test("goes back by bursts of typing, and over texts from elsewhere", () => {
    const steps = new TextHistory("");
    for (const text of ["a", "ab", "abc"]) steps.add(text, text.length, "insertText");
    steps.add("from elsewhere", 3, "");
    expect(steps.undo()?.text).toBe("abc");
    expect(steps.undo()?.text).toBe("");
    expect(steps.undo()).toBeUndefined();
    expect(steps.redo()?.text).toBe("abc");
    steps.add("abX", 3, "insertText");
    expect(steps.redo()).toBeUndefined();
    expect(steps.undo()?.text).toBe("abc");
  });
});

test("an example becomes the text round its peak without broken characters", () => {
  const texts = ["‹E2 80›", " the", " Em", "peror", "‹99›", " x"];
  expect(plainText({ texts, peak: 2 })).toBe("the Emperor");
  expect(plainText({ texts, peak: 4 })).toBe("");
});

test("a text is written as Python reads it", () => {
  expect(literal('a"b\\\n\u007f')).toBe('"a\\"b\\\\\\n\\u007f"');
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
const box = () => find<HTMLTextAreaElement>("textarea") as HTMLTextAreaElement;

/** Words as tokens: feature 7 fires on all, feature 9 on long ones, the first token does not count. */
function readWords(text: string): { data: TextRead; buffers: DataView[] } {
  const texts = text.match(/\s?\S+|\s+$/g) ?? [text];
  const hits = texts.flatMap((t, i) =>
    t.length > 4
      ? [
          [i, 7, 1 + i],
          [i, 9, t.length],
        ]
      : [[i, 7, 1 + i]],
  );
  const column = (c: number) => hits.map((h) => h[c] ?? 0);
  const brief = (feature: number) => ({
    feature,
    label: feature === 9 ? "long <b>words</b>" : "",
    top_tokens: ["x"],
    density: feature === 7 ? 0.2 : 0.01,
    max: 10,
    n_fires: 5,
    is_known: true,
  });
  const data = {
    tokens: texts.map((_, i) => i),
    texts,
    raws: texts,
    reasons: texts.map((_, i) => (i === 0 ? "first" : "")),
    n_all: texts.length,
    n_counted: 100,
    briefs: [brief(7), brief(9)],
  };
  const u32 = (list: number[]) => view(Uint32Array.from(list));
  const buffers = [
    u32(column(0)),
    u32(column(1)),
    view(Float32Array.from(column(2))),
    u32([7, 9]),
    view(Float32Array.from([10, 20])),
    view(Float64Array.from([20, 1])),
  ];
  return { data, buffers };
}

interface Options {
  info?: Partial<ScopeInfo>;
  text?: string;
  onRead?: (frame: Record<string, unknown>, port: MemoryPort) => boolean;
}

function kernel({ info = {}, text = "", onRead = () => false }: Options = {}): MemoryPort {
  const known: Record<string, object> = {
    "scope.info": { ...infoOf(64), ...info },
    "scope.selection": { scope: "dev", feature: 9, picked: [], text },
    "examples.list": { n_examples: 0, groups: ["top"] },
  };
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const { rid, method, params } = frame as { rid: string; method: string; params: { text: string } };
    if (method !== "text.read") return port.deliver({ t: "result", rid, data: known[method] ?? {} });
    if (onRead(frame, port)) return;
    const { data, buffers } = readWords(params.text);
    setTimeout(() => port.deliver({ t: "result", rid, data }, buffers), 5);
  });
}

function show(port: MemoryPort, feature?: number): void {
  unmount = mount("try_it", port, host, { scope: "dev", ...(feature === undefined ? {} : { feature }) });
}

function type(text: string): void {
  box().value = text;
  box().dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
}

const reads = (port: MemoryPort) =>
  port.sent.filter((f) => f["method"] === "text.read").map((f) => (f["params"] as { text: string }).text);
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });
const shown = () =>
  all(".ss-try-token")
    .map((t) => t.textContent)
    .join("");

describe("try it", () => {
  test("reads what is typed, shades it, and changes the feature without asking", async () => {
    const port = kernel();
    show(port);
    await ready("textarea");
    type("the Emperor of Vienna");
    await ready(".ss-try-token");
    expect(all(".ss-lit").map((n) => n.textContent)).toEqual(["Emperor", "Vienna"]);
    expect(find(".ss-peak")?.textContent).toBe("Emperor");
    find("label input")?.click();
    await ready(".ss-try-row[data-feature='7']");
    const nSent = reads(port).length;
    find(".ss-try-row[data-feature='7']")?.click();
    await vi.waitFor(() => expect(all(".ss-lit")).toHaveLength(3));
    expect(reads(port)).toHaveLength(nSent);
    expect(host.textContent).toContain("#7 fires on 3 of 3");
  });

  test("shows markup in text and labels as text", async () => {
    show(kernel());
    await ready("textarea");
    type("see <img src=x onerror=alert(1)> here");
    await ready(".ss-try-token");
    expect(shown()).toContain("<img src=x onerror=alert(1)>");
    expect(find(".ss-name-label")?.textContent).toBe("long <b>words</b>");
    expect(host.querySelector("img, b")).toBeNull();
  });

  test("never has two readings on the way, and reads the newest text last", async () => {
    let nOpen = 0;
    let most = 0;
    const port = kernel({
      onRead: ({ rid, params }, self) => {
        most = Math.max(most, ++nOpen);
        setTimeout(() => {
          nOpen--;
          const { data, buffers } = readWords((params as { text: string }).text);
          self.deliver({ t: "result", rid, data }, buffers);
        }, 250);
        return true;
      },
    });
    show(port);
    await ready("textarea");
    let text = "";
    for (const letter of "sailing over the sea") {
      text += letter;
      type(text);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await vi.waitFor(() => expect(shown()).toBe(text), { timeout: 4000 });
    expect(most).toBe(1);
    expect(reads(port).at(-1)).toBe(text);
    expect(reads(port).length).toBeLessThan(8);
  });

  test("takes a text from elsewhere, and ctrl-z brings back what was typed", async () => {
    const port = kernel();
    show(port);
    await ready("textarea");
    type("mine");
    await vi.waitFor(() => expect(shown()).toBe("mine"));
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", text: "theirs" } });
    await vi.waitFor(() => expect(box().value).toBe("theirs"));
    await vi.waitFor(() => expect(shown()).toBe("theirs"));
    box().dispatchEvent(
      new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true, cancelable: true }),
    );
    await vi.waitFor(() => expect(shown()).toBe("mine"));
    expect(box().value).toBe("mine");
  });

  test("tells the kernel of the text once typing rests, and not of one that came from there", async () => {
    const port = kernel({ text: "given" });
    show(port);
    await vi.waitFor(() => expect(shown()).toBe("given"));
    const told = () => port.sent.filter((f) => f["method"] === "scope.select").map((f) => f["params"]);
    expect(told().filter((p) => "text" in (p as object))).toEqual([]);
    type("given m");
    type("given more");
    await vi.waitFor(() => expect(told()).toContainEqual({ scope: "dev", text: "given more" }), {
      timeout: 2000,
    });
    expect(told().filter((p) => "text" in (p as object))).toHaveLength(1);
  });

  test("lists what fires on the token chosen with the keys, until Escape", async () => {
    show(kernel({ text: "a sea of Emperors here" }));
    await ready(".ss-try-token");
    const text = find(".ss-try-text");
    const press = (key: string) =>
      text?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    press("ArrowLeft");
    await ready(".ss-try-chip code");
    expect(find(".ss-try-chip code")?.textContent).toBe(" Emperors");
    expect(find('[data-i="3"]')?.classList.contains("ss-focused")).toBe(true);
    press("ArrowLeft");
    await vi.waitFor(() => expect(find(".ss-try-chip code")?.textContent).toBe(" of"));
    expect(host.textContent).toContain("Only dense features fire here.");
    press("Escape");
    await vi.waitFor(() => expect(find(".ss-try-chip code")).toBeNull());
  });

  test("offers to read the beginning of a text that is too long", async () => {
    let cuts: unknown;
    const port = kernel({
      onRead: ({ rid, params }, self) => {
        cuts = (params as { cuts: boolean }).cuts;
        if (cuts) return false;
        const error = {
          code: "input",
          message: "the text has 300 tokens and the model takes 128.",
          hint: "",
          data: { n_tokens: 300, n_fit: 128 },
        };
        self.deliver({ t: "error", rid, error });
        return true;
      },
    });
    show(port);
    await ready("textarea");
    type("long enough");
    await vi.waitFor(() => expect(host.textContent).toContain("the model takes 128"));
    all(".ss-notice button")
      .find((b) => b.textContent === "Read the first 128")
      ?.click();
    await ready(".ss-try-token");
    expect(cuts).toBe(true);
  });

  test("keeps the last reading when the next one fails, and tries again", async () => {
    let isBroken = false;
    const port = kernel({
      onRead: ({ rid }, self) => {
        const error = { code: "compute", message: "The activations are not finite.", hint: "", data: {} };
        if (isBroken) self.deliver({ t: "error", rid, error });
        return isBroken;
      },
    });
    show(port);
    await ready("textarea");
    type("well");
    await vi.waitFor(() => expect(shown()).toBe("well"));
    isBroken = true;
    type("well then");
    await vi.waitFor(() => expect(host.textContent).toContain("not finite"));
    expect(shown()).toBe("well");
    isBroken = false;
    find(".ss-notice button")?.click();
    await vi.waitFor(() => expect(shown()).toBe("well then"));
    expect(host.textContent).not.toContain("not finite");
  });

  test("says that the model is in use", async () => {
    const port = kernel({
      onRead: ({ rid }, self) => {
        self.deliver({ t: "event", rid, data: { stage: "waiting", n_tokens: 1 } });
        return true;
      },
    });
    show(port);
    await ready("textarea");
    type("x");
    await vi.waitFor(() => expect(host.textContent).toContain("Waiting for the model: it is in use."), {
      timeout: 2500,
    });
    expect(host.textContent).not.toContain("The kernel is running a cell");
  });

  test("without the model says which call brings it, and reads nothing", async () => {
    const port = kernel({ info: { has_model: false }, text: "left over" });
    show(port);
    await vi.waitFor(() => expect(host.textContent).toContain("saescope.load(model, sae=…, index=…)"));
    expect(reads(port)).toEqual([]);
  });

  test("begins with texts to try when there is none", async () => {
    const port = kernel();
    show(port);
    await ready(".ss-try-starter");
    find(".ss-try-starter")?.click();
    await ready(".ss-try-token");
    expect(shown()).toBe(box().value);
    type("");
    await ready(".ss-try-starter");
    expect(find(".ss-try-token")).toBeNull();
  });
});
