import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type {
  Comparison,
  ContrastExample,
  Example,
  FeaturePage,
  ScopeInfo,
} from "../src/protocol/generated.js";
import { compare } from "../src/views/compare/Compare.js";
import { type CompareState, chosenFeatures, contrastOf } from "../src/views/compare/roles.js";

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

const find = <E extends HTMLElement = HTMLElement>(selector: string) => host.querySelector<E>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });

function brief(feature: number) {
  return { feature, label: "", top_tokens: [" sea"], density: 0.01, max: 5, n_fires: 100, is_known: true };
}

const weight = (token: number) => ({ token, text: ` t${token}`, raw: `Ġt${token}`, weight: 1 });

function pageOf(feature: number): FeaturePage {
  return {
    feature,
    n_fires: 100,
    n_counted: 10_000,
    density: 0.01,
    max: 5,
    mean: 2,
    std: 1,
    median: 2,
    histogram: { high: 5, counts: [4, 3, 2, 1] },
    promoted: [weight(1), weight(feature)],
    suppressed: [],
    top_tokens: [],
  } as unknown as FeaturePage;
}

function exampleOf(rank: number): Example {
  return {
    rank,
    group: "contrast",
    activation: 5 - rank,
    peak: 1,
    start: 3,
    doc: 8,
    source: "",
    tokens: [1, 2, 3],
    texts: ["The", " sea", " <img src=x onerror=alert(1)>"],
    raws: ["The", "Ġsea", "x"],
    activations: [0, 5 - rank, 0],
    n_same: rank === 0 ? 2 : 0,
    row: rank,
  } as Example;
}

function comparisonOf(features: number[], hasPostings: boolean): Comparison {
  const pairs = features.flatMap((feature, i) => features.slice(i + 1).map((other) => ({ feature, other })));
  const known = hasPostings
    ? { n_both: 25, share: 0.25, share_of_other: 0.25, jaccard: 0.143, correlation: 0.2 }
    : { n_both: null, share: null, share_of_other: null, jaccard: null, correlation: null };
  return {
    features: features.map((f) => ({ brief: brief(f), page: pageOf(f), examples: [exampleOf(0)] })),
    pairs: pairs.map((pair) => ({ ...pair, decoder: -0.1234, encoder: null, ...known })),
  };
}

interface Asked {
  features: number[];
  feature: number;
  without: number[];
  also: number[];
}

function portOf(info: Partial<ScopeInfo> = {}): MemoryPort {
  const whole = { ...infoOf(4096), ...info };
  const good = fixturePort(4096, 0, { info: whole, shift: 0 });
  const port: MemoryPort = new MemoryPort((frame) => {
    const { method, rid } = frame as { method?: string; rid?: string };
    const params = frame["params"] as Asked;
    const reply = (data: object) => port.deliver({ t: "result", rid, data });
    if (method === "compare.get") return reply(comparisonOf(params.features, whole.has_postings));
    if (method === "features.brief") return reply({ briefs: params.features.map(brief) });
    if (method === "neighbors.list")
      return reply({ neighbors: [{ brief: brief(70), score: 0.5, error: null }] });
    if (method !== "contrast.list" && method !== "contrast.live") return good.send(frame as object);
    const others = [...params.without, ...params.also];
    const examples: ContrastExample[] = [0, 1].map((rank) => ({
      example: exampleOf(rank),
      others: others.map((f) => [params.also.includes(f) ? 0 : 1.5, params.also.includes(f) ? 2.5 : 0, 0]),
    }));
    for (const example of examples) port.deliver({ t: "event", rid, data: { examples: [example] } });
    reply({
      n_examples: 2,
      n_match: method === "contrast.live" ? 2 : 75,
      n_fires: method === "contrast.live" ? 50 : 100,
    });
  });
  good.onFrame((frame) => port.deliver(frame as object));
  return port;
}

function show(port: MemoryPort, state: Partial<CompareState> = {}): void {
  unmount = mount("compare", port, host, { scope: "dev", feature: 7, state });
}

const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);
const shownFeatures = () => all("[data-compared]").map((e) => Number(e.dataset["compared"]));

function choose(selector: string, value: string): void {
  const box = find<HTMLSelectElement>(selector);
  if (!box) throw new Error(`no ${selector}`);
  box.value = value;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

async function type(value: string): Promise<void> {
  const box = find<HTMLInputElement>(".ss-add-form input");
  if (!box) throw new Error("no field");
  box.value = value;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  box.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
}

describe("the comparison", () => {
  test("begins with the selected feature and takes another by its number", async () => {
    const port = portOf();
    show(port);
    await ready("[data-compared='7']");
    expect(find(".ss-contrast")).toBeNull();
    await type("5000");
    await ready("[role=alert]");
    expect(find("[role=alert]")?.textContent).toBe("No feature 5000: this SAE has 0 to 4,095.");
    await type("7");
    await vi.waitFor(() => expect(find("[role=alert]")?.textContent).toBe("Feature 7 is here already."));
    await type("12");
    await vi.waitFor(() => expect(shownFeatures()).toEqual([7, 12]));
    expect(sent(port, "scope.select")).toEqual([]);
  });

  test("offers near features, and takes one out again", async () => {
    show(portOf());
    await ready("[data-offer='70'] button");
    find("[data-offer='70'] button")?.click();
    await vi.waitFor(() => expect(shownFeatures()).toEqual([7, 70]));
    find("[aria-label='Take feature 7 out']")?.click();
    await vi.waitFor(() => expect(shownFeatures()).toEqual([70]));
    expect(find(".ss-remove")).toBeNull();
  });

  test("follows what is picked, and says when that is too much", async () => {
    const port = portOf();
    show(port);
    await ready("[data-compared='7']");
    const picked = [3, 4, 5, 6, 8];
    port.deliver({
      t: "notify",
      topic: "selection",
      data: { scope: "dev", feature: null, picked, text: null },
    });
    await vi.waitFor(() => expect(shownFeatures()).toEqual([3, 4, 5, 6]));
    expect(host.textContent).toContain("The first four of 5 picked features are shown.");
  });

  test("marks promoted tokens in common by letter", async () => {
    show(portOf(), { features: [7, 12, 30] });
    await ready("[data-compared='30']");
    expect(all("[data-compared='12'] .ss-common").map((e) => e.textContent)).toEqual(["t1AC"]);
  });

  test("says how alike two are, and opens the text behind a number", async () => {
    const port = portOf();
    show(port, { features: [7, 12, 30] });
    await ready("[data-pair='12-30']");
    const cells = all("[data-pair='7-12'] td").map((e) => e.textContent);
    expect(cells).toEqual(["−0.123", "–", "0.143", "0.200", "25", "75 75\u2009%", "75 75\u2009%"]);
    all("[data-pair='12-30'] button")[2]?.click();
    await vi.waitFor(() =>
      expect(sent(port, "contrast.list").at(-1)).toMatchObject({ feature: 30, without: [12], also: [] }),
    );
  });
});

describe("the contrast", () => {
  test("is of the first feature without the others, and marks what they do", async () => {
    const port = portOf();
    show(port, { features: [7, 12, 30] });
    await ready(".ss-contrast-list [data-example]");
    expect(sent(port, "contrast.list")).toEqual([
      { scope: "dev", feature: 7, without: [12, 30], also: [], within: 0, context: 16, k: 20 },
    ]);
    expect(find(".ss-contrast-list [data-i='0']")?.getAttribute("data-marks")).toBe("12 30");
    expect(find(".ss-contrast-list [data-peak]")?.getAttribute("data-marks")).toBeNull();
    expect(find(".ss-contrast-list [data-i='0'] .ss-over-c .ss-over-b")).not.toBeNull();
    expect(host.textContent).toContain("75 of A's 100 firings");
    expect(find(".ss-contrast-list .ss-same")?.textContent).toBe("×3");
    expect(host.querySelector("img")).toBeNull();
    expect(host.textContent).toContain("<img src=x onerror=alert(1)>");
  });

  test("tells the values of all features on a token", async () => {
    show(portOf(), { features: [7, 12] });
    await ready(".ss-contrast-list [data-i='0']");
    find(".ss-contrast-list [data-i='0']")?.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    await ready("[role=tooltip]");
    const lines = all("[role=tooltip] dl > div").map((e) => e.textContent);
    expect(lines.slice(0, 2)).toEqual(["A #70", "B #121.50"]);
  });

  test("asks anew for other roles, places and features", async () => {
    const port = portOf();
    show(port, { features: [7, 12] });
    await ready("[data-role-of='12']");
    choose("[data-role-of='12']", "fires");
    await vi.waitFor(() =>
      expect(sent(port, "contrast.list").at(-1)).toMatchObject({ without: [], also: [12] }),
    );
    choose("[aria-label='How near']", "3");
    await vi.waitFor(() =>
      expect(sent(port, "contrast.list").at(-1)).toMatchObject({ also: [12], within: 3 }),
    );
    choose("[data-role-of='12']", "either");
    await vi.waitFor(() => expect(host.textContent).toContain("Say what another feature does there."));
    choose(".ss-contrast-bar select", "12");
    await vi.waitFor(() =>
      expect(sent(port, "contrast.list").at(-1)).toMatchObject({ feature: 12, without: [7] }),
    );
  });

  test("is made by the model where there are no postings, and says so", async () => {
    const port = portOf({ has_postings: false, has_model: true });
    show(port, { features: [7, 12] });
    await ready(".ss-contrast-list [data-example]");
    expect(sent(port, "contrast.list")).toEqual([]);
    expect(host.textContent).toContain("2 of A's 50 stored examples");
    expect(host.textContent).toContain("What fires together is not known");
  });

  test("says what is missing where there is neither", async () => {
    const port = portOf({ has_postings: false, has_model: false });
    show(port, { features: [7, 12] });
    await vi.waitFor(() => expect(host.textContent).toContain("no model is loaded"));
    expect(sent(port, "contrast.live")).toEqual([]);
  });
});

describe("what is compared", () => {
  const initial = compare.initial;

  test("is what was chosen, then what is picked, then the selected one", () => {
    expect(chosenFeatures({ ...initial, features: [3, 3, 9] }, [1, 2], 7, 100)).toEqual([3, 9]);
    expect(chosenFeatures(initial, [1, 2, 3, 4, 5], 7, 100)).toEqual([1, 2, 3, 4]);
    expect(chosenFeatures(initial, [1], 7, 100)).toEqual([7]);
    expect(chosenFeatures({ ...initial, features: [500] }, [], 7, 100)).toEqual([]);
    expect(chosenFeatures(initial, [], undefined, 100)).toEqual([]);
  });

  test("is asked of a feature that is there", () => {
    const state: CompareState = { ...initial, one: 9, roles: { "3": "fires", "4": "either" } };
    expect(contrastOf(state, [3, 4, 9])).toEqual({ feature: 9, without: [], also: [3] });
    expect(contrastOf(state, [3, 5])).toEqual({ feature: 3, without: [5], also: [] });
    expect(contrastOf(state, [])).toBeUndefined();
  });

  test("is told as Python", () => {
    const shared = { picked: [] } as never;
    const state = { ...initial, features: [3, 9], roles: { "9": "fires" as const }, within: 1 };
    expect(compare.code(state, 7, shared)).toBe(
      "scope.compare([3, 9])\nscope.contrast(3, also=[9], context=16, within=1)",
    );
  });
});
