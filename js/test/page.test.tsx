import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf, pageOf, tell } from "../dev/fixture.js";
import { callText } from "../src/data/call.js";
import { directionOf, isBytes, joined, plain } from "../src/data/script.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { ExampleGroup, ScopeInfo } from "../src/protocol/generated.js";
import { groupName, shareText } from "../src/views/page/ExamplesBar.js";
import { callOf, INITIAL, isChanged } from "../src/views/page/query.js";

const codeOf = (...given: Parameters<typeof callOf>) => callText(callOf(...given));

vi.setConfig({ testTimeout: 30_000 });

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

type Params = Record<string, unknown>;

/** A kernel that answers what the fixture does not, or what the test wants otherwise. */
function portOf(
  answers: Record<string, (params: Params) => object>,
  info: Partial<ScopeInfo> = {},
): MemoryPort {
  const world = { info: { ...infoOf(64), ...info }, shift: 0 };
  const inner = fixturePort(64, 0, world);
  const port = new MemoryPort((frame, own) => {
    const { t, rid, method, params } = frame as { t: string; rid: string; method: string; params: Params };
    const answer = t === "request" ? answers[method] : undefined;
    if (!answer) return inner.send(frame);
    setTimeout(() => {
      try {
        own.deliver({ t: "result", rid, data: answer(params) });
      } catch (error) {
        const message = error instanceof Error ? error.message : "";
        own.deliver({ t: "error", rid, error: { code: "needs_postings", message, hint: "", data: {} } });
      }
    });
  });
  inner.onFrame((frame, buffers) => port.deliver(frame as object, buffers));
  return port;
}

function show(port: MemoryPort, state: Params = {}): MemoryPort {
  unmount = mount("feature", port, host, { scope: "dev", feature: 8, state });
  return port;
}

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const until = (check: () => void) => vi.waitFor(check, { timeout: 8000 });
const ready = (selector: string) => until(() => expect(find(selector)).not.toBeNull());
const button = (text: string) => all("button").find((b) => b.textContent?.trim() === text);
const press = (key: string, on: Element | null | undefined) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Params);

const FIRING = {
  row: 48,
  n_fires: 2,
  features: [
    { brief: { feature: 8, label: "", top_tokens: [" a"], density: 0.1, max: 9, n_fires: 3 }, activation: 9 },
    {
      brief: { feature: 21, label: "ships", top_tokens: [], density: 0.1, max: 9, n_fires: 3 },
      activation: 4,
    },
  ],
};

const documentOf = (first: number, n: number) => ({
  doc: 100,
  source: "wiki",
  n_tokens: 5000,
  start: first,
  row: first,
  tokens: Array.from({ length: n }, (_, i) => i),
  texts: Array.from({ length: n }, (_, i) => ` w${first + i}`),
  raws: Array.from({ length: n }, (_, i) => `Ġw${first + i}`),
  activations: Array.from({ length: n }, (_, i) => (i % 7 === 0 ? 2 : 0)),
  breaks: [3],
});

describe("the units of activations", () => {
  test("are the SAE's, or times the length of the decoder row, everywhere on the page", async () => {
    const page = pageOf(8, { info: infoOf(64), shift: 0 });
    page.weights.decoder_norm = 2;
    const port = show(portOf({ "feature.get": () => page }));
    await ready("[data-example]");
    const read = () => ({
      max: all(".ss-facts dd")[1]?.textContent,
      first: Number(find("[data-example]")?.dataset["activation"]),
    });
    const before = read();
    button("options")?.click();
    await ready(".ss-options");
    button("model's")?.click();
    await until(() => expect(all(".ss-facts dt").map((e) => e.textContent)).toContain("in"));
    expect(read().first).toBeCloseTo(2 * before.first, 5);
    expect(read().max).not.toBe(before.max);
    expect(sent(port, "examples.list")).toHaveLength(1);
    button("SAE's")?.click();
    await until(() => expect(read()).toEqual(before));
  });

  test("are the SAE's alone where there is no factor, and why is told", async () => {
    show(portOf({}, { why_not_folded: "The SAE rescales each token by itself." }), { units: "folded" });
    await ready("[data-example]");
    expect(all(".ss-facts dt").map((e) => e.textContent)).not.toContain("in");
    button("options")?.click();
    await ready(".ss-options");
    expect(find(".ss-options")?.textContent).toContain("rescales each token by itself");
  });
});

test("remarks on the SAE's configuration open by keyboard and close with Escape", async () => {
  show(portOf({}, { remarks: ["<b>load that checkpoint</b>"] }));
  await until(() => expect(button("1 remark")).toBeDefined());
  expect(find(".ss-remarks-box")).toBeNull();
  button("1 remark")?.click();
  await ready(".ss-remarks-box");
  expect(find(".ss-remarks-box")?.textContent).toBe("<b>load that checkpoint</b>");
  press("Escape", find(".ss-remarks-box"));
  await until(() => expect(find(".ss-remarks-box")).toBeNull());
});

describe("the feature page", () => {
  test("tells each interval's share, and shows its range in the histogram when it is pointed at", async () => {
    show(portOf({}));
    await until(() => expect(all(".ss-groups small").map((s) => s.textContent)).toContain("36\u2009%"));
    expect(all(".ss-groups button").map((b) => b.querySelector("span")?.textContent)).toEqual([
      "Top",
      "80–100\u2009%",
      "60–80\u2009%",
      "40–60\u2009%",
      "20–40\u2009%",
      "0–20\u2009%",
      "Random",
    ]);
    expect(find(".ss-hist-range")).toBeNull();
    all(".ss-groups button")[1]?.dispatchEvent(new MouseEvent("mouseenter"));
    await ready(".ss-hist-range");
    expect(all(".ss-hist-border")).toHaveLength(4);
  });

  test("asks the store again when an option changes, and by the same rule for the figures", async () => {
    const port = show(portOf({}));
    await ready("[data-example]");
    find("[data-options]")?.click();
    await ready(".ss-options");
    button("50")?.click();
    await until(() => expect(sent(port, "examples.list").at(-1)).toMatchObject({ k: 50, folds: true }));
    const special = all(".ss-options input")[1] as HTMLInputElement;
    special.click();
    const rule = { n_skipped: 1, skips_special: false, max_norm_ratio: null };
    await until(() => expect(sent(port, "examples.list").at(-1)).toMatchObject({ k: 50, rule }));
    expect(sent(port, "feature.get").at(-1)).toMatchObject({ feature: 8, rule });
    await until(() => expect(find(".ss-facts")?.textContent).toContain("your rule"));
    expect(find(".ss-changed")).not.toBeNull();
    button("Reset")?.click();
    await until(() => expect(sent(port, "examples.list").at(-1)?.["k"]).toBe(20));
    expect(sent(port, "examples.list").at(-1)?.["rule"]).toBeUndefined();
    expect(find(".ss-changed")).toBeNull();
  });

  test("gives up the options that need postings where there are none, and says why", async () => {
    show(portOf({}, { has_postings: false }));
    await ready("[data-example]");
    find("[data-options]")?.click();
    await ready(".ss-options");
    expect(find(".ss-options")?.textContent).toContain("made without postings");
    expect(all(".ss-options input").every((i) => (i as HTMLInputElement).disabled)).toBe(true);
    expect(button("50")?.hasAttribute("disabled")).toBe(true);
    expect(button("20")?.hasAttribute("disabled")).toBe(false);
  });

  test("closes the options on Escape and gives the focus back", async () => {
    show(portOf({}));
    await ready("[data-example]");
    find("[data-options]")?.focus();
    find("[data-options]")?.click();
    await ready(".ss-options");
    expect(document.activeElement).toBe(find(".ss-options"));
    press("Escape", find(".ss-options"));
    await until(() => expect(find(".ss-options")).toBeNull());
    expect(document.activeElement).toBe(find("[data-options]"));
  });

  test("walks tokens with arrows, pins one with Enter, and walks to what else fires there", async () => {
    const port = show(portOf({ "tokens.firing": () => FIRING }));
    await until(() => expect(all("[data-example]")).toHaveLength(20));
    const text = find(".ss-text");
    text?.focus();
    press("ArrowRight", text);
    await ready(".ss-focused");
    const i = Number(find(".ss-focused")?.dataset["i"]);
    press("Enter", text);
    await ready(".ss-card .ss-fires li");
    expect(sent(port, "tokens.firing")[0]).toMatchObject({ row: 40 + i });
    expect(find(".ss-card")?.textContent).toContain("raw");
    const names = all(".ss-fires .ss-name");
    expect(names.map((n) => n.querySelector(".ss-name-number")?.textContent)).toEqual(["8", "21"]);
    names[1]?.click();
    await ready("[data-page-feature='21']");
    expect(find(".ss-card")).toBeNull();
  });

  test("runs the model for what else fires where there are no postings, or says why not", async () => {
    const port = show(portOf({ "tokens.compute": () => FIRING }, { has_postings: false, has_model: true }));
    await ready("[data-peak]");
    find("[data-peak]")?.click();
    await ready(".ss-card .ss-fires li");
    expect(sent(port, "tokens.firing")).toEqual([]);
    unmount();
    show(portOf({}, { has_postings: false, has_model: false }));
    await ready("[data-peak]");
    find("[data-peak]")?.click();
    await until(() => expect(find(".ss-fires")?.textContent).toContain("no model is loaded"));
  });

  test("opens the source document with the passage marked, and reads on", async () => {
    const port = show(
      portOf({
        "document.get": ({ before, after }) =>
          Number(before) > 0 && Number(after) > 0
            ? documentOf(1000, 60)
            : after
              ? documentOf(1060, 10)
              : documentOf(990, 10),
      }),
    );
    await ready("[data-example]");
    // the second example's window begins at row 1040
    all("[data-example]")[1]?.dispatchEvent(new MouseEvent("mouseenter"));
    await until(() => expect(button("document")).toBeDefined());
    button("document")?.click();
    await ready(".ss-passage");
    expect(find(".ss-passage")?.textContent?.startsWith(" w1040")).toBe(true);
    expect(find(".ss-reader")?.textContent).toContain("1,001–1,060 of 5,000");
    expect(all(".ss-reader .ss-break")).toHaveLength(1);
    button("3,940 more tokens after this")?.click();
    await until(() => expect(find(".ss-reader")?.textContent).toContain("w1069"));
    button("1,000 more tokens before this")?.click();
    await until(() => expect(find(".ss-reader")?.textContent).toContain("w990 "));
    expect(sent(port, "document.get").map((p) => p["row"])).toEqual([1040 + 16, 1060, 999]);
    press("Escape", find(".ss-reader"));
    await until(() => expect(find(".ss-reader")).toBeNull());
  });

  test("sends an example to where texts are tried", async () => {
    const port = show(portOf({}));
    await ready("[data-example]");
    find("[data-example]")?.dispatchEvent(new MouseEvent("mouseenter"));
    await until(() => expect(button("try it")).toBeDefined());
    button("try it")?.click();
    const text = all("[data-example]:first-child [data-i]")
      .map((t) => t.textContent)
      .join("");
    await until(() => expect(sent(port, "scope.select").at(-1)?.["text"]).toBeDefined());
    const tried = String(sent(port, "scope.select").at(-1)?.["text"]);
    expect(tried.trim().replaceAll("\n", "⏎")).toBe(text.trim());
  });

  test("breaks lines where the text does", async () => {
    show(portOf({}), { context: 0, hasBreaks: true });
    await until(() => expect(find(".ss-examples")?.textContent).toContain("⏎\n"));
    expect(find(".ss-aligned")).toBeNull();
  });

  test("opens all ten promoted tokens with their weights", async () => {
    show(portOf({}));
    await ready(".ss-weights .ss-label");
    find(".ss-weights .ss-label")?.click();
    await ready(".ss-lens-open");
    expect(all(".ss-weight-value")).toHaveLength(20);
    expect(find(".ss-lens-open")?.textContent).toContain(
      "At a middle layer this is not the feature's effect.",
    );
  });

  test("reads promoted tokens from the model when the index holds none, and only when asked", async () => {
    const weights = [{ token: 5, text: " now", raw: "Ġnow", weight: 0.5 }];
    const inner = fixturePort(64, 0);
    const base = await new Promise<object>((resolve) => {
      inner.onFrame((frame) => {
        const { t, data } = frame as { t: string; data: object };
        if (t === "result") resolve(data);
      });
      inner.send({ t: "request", rid: "1", method: "feature.get", params: { feature: 8 } });
    });
    const port = show(
      portOf(
        {
          "feature.get": () => ({ ...base, promoted: [], suppressed: [] }),
          "lens.compute": () => ({ feature: 8, convention: "raw", promoted: weights, suppressed: weights }),
        },
        { lens: "none" },
      ),
    );
    await ready(".ss-read-lens");
    expect(sent(port, "lens.compute")).toEqual([]);
    find(".ss-read-lens")?.click();
    await until(() => expect(find(".ss-lens")?.textContent).toContain("now"));
    expect(find(".ss-weights .ss-label")?.title).toContain("without the final norm");
  });

  test("says why the store could not answer", async () => {
    show(
      portOf({
        "examples.list": () => {
          throw new Error("this question needs every activation.");
        },
      }),
    );
    await until(() => expect(host.textContent).toContain("this question needs every activation."));
    expect(button("Retry")).toBeDefined();
  });

  test("reads anew when the index grows", async () => {
    const world = { info: { ...infoOf(64), is_complete: false, n_tokens: 1000 }, shift: 0 };
    const port = fixturePort(64, 0, world);
    show(port);
    await ready("[data-example]");
    tell(port, world, { n_tokens: 900_000 });
    await until(() => expect(sent(port, "feature.get").length).toBeGreaterThan(1));
  });
});

describe("texts", () => {
  test("of cut characters are put together at the token that completes them", () => {
    expect(joined(["a ‹E7 94›", "‹B7›", "b"])).toEqual(["a ", "男", "b"]);
    expect(joined(["‹F0 9F›", "‹9A›", "‹A2›"])).toEqual(["", "", "🚢"]);
    expect(joined(["‹A0›", "ה‹D7›", "‹99›"])).toEqual(["‹A0›", "ה", "י"]);
    expect(joined(["‹E2 80›", "x"])).toEqual(["‹E2 80›", "x"]);
    expect(joined(["‹C3›‹28›", "‹"])).toEqual(["‹C3 28›", "‹"]);
    expect(plain(["‹A0›", "so ‹C3›", "‹A9›"])).toBe("so é");
  });

  test("run the way most of their letters do", () => {
    expect(directionOf(["‹D7›", "הילד", " הלך", " (abc)"])).toBe("rtl");
    expect(directionOf(["he said ", "שלום", " to all"])).toBe("ltr");
    expect(directionOf(["مرحبا"])).toBe("rtl");
    expect(directionOf(["‹E2 80›", " 12"])).toBe("ltr");
    expect(isBytes(" ‹E2 80›")).toBe(true);
    expect(isBytes("‹token›")).toBe(false);
  });
});

describe("a query", () => {
  test("is told as the Python call that asks it", () => {
    expect(codeOf(INITIAL, 7)).toBe('scope.examples(7, group="top", context=16)');
    const rule = { n_skipped: 0, skips_special: false, max_norm_ratio: 10 };
    expect(
      codeOf({ ...INITIAL, group: "interval-3", context: 0, k: 50, folds: false, n_intervals: 3, rule }, 7),
    ).toBe(
      'scope.examples(7, group="interval-3", context=0, k=50, folds=False, n_intervals=3, ' +
        "rule=saescope.Rule(n_skipped=0, skips_special=False, max_norm_ratio=10))",
    );
    expect(isChanged(INITIAL)).toBe(false);
    expect(isChanged({ ...INITIAL, context: 0, group: "random" })).toBe(false);
    expect(isChanged({ ...INITIAL, folds: false })).toBe(true);
  });

  test("has groups named by their range and told with their share", () => {
    const group = (share: number, is_exact = true): ExampleGroup => ({
      name: "interval-2",
      low: 1,
      high: 2,
      n_fires: 3,
      share,
      is_exact,
    });
    expect(groupName("interval-2", 3)).toBe("33–67\u2009%");
    expect(shareText(group(0.034))).toBe("3.4\u2009%");
    expect(shareText(group(0.871))).toBe("87\u2009%");
    expect(shareText(group(1, false))).toBe("≈\u2009100\u2009%");
    expect(shareText(group(0.0001))).toBe("<0.1\u2009%");
    expect(shareText(group(0))).toBe("none");
    expect(shareText(group(Number.NaN)).trim()).toBe("");
  });
});
