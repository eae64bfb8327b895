import { render } from "preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import { Client } from "../src/protocol/client.js";
import type { Health, HealthFigure, ScopeInfo } from "../src/protocol/generated.js";
import { asDensity, place, ticks } from "../src/views/health/Bars.js";
import { errorText, share, thresholds, verdict } from "../src/views/health/figures.js";
import { HealthBadge } from "../src/views/health/HealthBadge.js";

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

function figure(name: string, value: number | null, part: Partial<HealthFigure> = {}): HealthFigure {
  return {
    name,
    value,
    error: null,
    n: 100,
    source: "index",
    grade: "",
    meaning: `what ${name} means`,
    good: null,
    fair: null,
    ...part,
  };
}

function healthOf(part: Partial<Health> = {}): Health {
  const figures = [
    figure("recovered", 0.984, { error: 0.0075, n: 508, grade: "good", good: 0.9, fair: 0.7 }),
    figure("explained_variance", 0.81, { grade: "good", good: 0.6, fair: 0.3 }),
    figure("l0", 30.4),
    figure("alive", 0.85, { n: 64, grade: "good", good: 0.7, fair: 0.3 }),
    figure("dense", 0.03, { n: 64, grade: "fair", good: 0.01, fair: 0.05 }),
  ];
  return {
    grade: "good",
    judged: ["recovered", "explained_variance"],
    figures,
    best: figures,
    n_features: 64,
    n_alive: 54,
    n_dense: 2,
    dense: 0.1,
    density: { edges: [0.001, 0.01, 0.1, 1], counts: [30, 22, 2] },
    maxima: { edges: [1, 10, 100], counts: [20, 34] },
    l0: { edges: [0, 10, 20], counts: [5, 7] },
    warnings: ["15 % of the features <i>never</i> fire."],
    differences: [],
    facts: [{ name: "SAE", value: "topk <b>" }],
    ...part,
  };
}

interface Options {
  info?: Partial<ScopeInfo>;
  answer?: () => Health | undefined;
  onMeasure?: (rid: string, port: MemoryPort) => void;
}

function kernel({ info = {}, answer = () => healthOf(), onMeasure }: Options = {}): MemoryPort {
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const { rid, method } = frame as { rid: string; method: string };
    if (method === "health.measure") return onMeasure?.(rid, port);
    const found =
      method === "health.get" ? answer() : method === "scope.info" ? { ...infoOf(64), ...info } : {};
    if (found) return port.deliver({ t: "result", rid, data: found });
    const error = { code: "internal", message: "The health could not be read.", hint: "", data: {} };
    port.deliver({ t: "error", rid, error });
  });
}

const find = <T extends HTMLElement>(selector: string) => host.querySelector<T>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });
const show = (port: MemoryPort) => {
  unmount = mount("health", port, host, { scope: "dev" });
};
const asked = (port: MemoryPort, method: string) => port.sent.filter((f) => f["method"] === method).length;
const button = (name: string) => all("button").find((b) => b.textContent === name);

describe("health", () => {
  test("says in words how good the SAE is, with its figures, and shows text as text", async () => {
    show(kernel());
    await ready(".ss-health");
    expect(find(".ss-health-head")?.textContent).toBe(
      "●goodThe reconstruction keeps 98.4\u2009% of the model's loss and 81.0\u2009% of the variance.",
    );
    expect(find(".ss-health-figures")?.textContent).toContain("98.4\u2009% ± 0.75");
    expect(host.textContent).toContain("15 % of the features <i>never</i> fire.");
    expect(host.textContent).toContain("topk <b>");
    expect(host.querySelector(".ss-health i, .ss-health b")).toBeNull();
  });

  test("draws dead features apart and dense ones marked, and tells counts on hover", async () => {
    show(kernel());
    await ready(".ss-health-plot");
    expect(find(".ss-health-plot-count")?.textContent).toBe("10");
    expect(all(".ss-health-plot-marked")).toHaveLength(1);
    const slot = all(".ss-health-plot-slot")[1];
    slot?.dispatchEvent(new MouseEvent("mouseenter"));
    await ready("[role=tooltip]");
    expect(find("[role=tooltip]")?.textContent).toContain("1\u2009% to 10\u2009%22 features");
    expect(find("[role=img]")?.getAttribute("aria-label")).toContain("never: 10");
  });

  test("measures, shows running figures, and reads the health anew at the end", async () => {
    let id = "";
    let line: MemoryPort | undefined;
    const measured = [figure("recovered", 0.32, { source: "measured", error: 0.01 })];
    const port = kernel({
      onMeasure: (rid, self) => {
        id = rid;
        line = self;
      },
    });
    show(port);
    await ready(".ss-health");
    button("Measure")?.click();
    await vi.waitFor(() => expect(id).not.toBe(""));
    const data = { stage: "Reading the site", done: 128, total: 512, seconds_left: 12, figures: measured };
    line?.deliver({ t: "event", rid: id, data });
    await vi.waitFor(() => expect(host.textContent).toContain("128 of 512 tokens · 12\u2009s left"));
    expect(find("tbody tr")?.textContent).toContain("32.0\u2009% ± 1");
    expect(find("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("25");
    const before = asked(port, "health.get");
    line?.deliver({ t: "result", rid: id, data: { figures: measured, differences: [] } });
    await vi.waitFor(() => expect(asked(port, "health.get")).toBe(before + 1));
    expect(button("Measure")).toBeDefined();
  });

  test("keeps what was measured when it is stopped", async () => {
    let id = "";
    const port = kernel({
      onMeasure: (rid, self) => {
        id = rid;
        const figures = [figure("l0", 29, { source: "measured" })];
        self.deliver({
          t: "event",
          rid,
          data: { stage: "s", done: 1, total: 2, seconds_left: null, figures },
        });
      },
    });
    show(port);
    await ready(".ss-health");
    button("Measure")?.click();
    await vi.waitFor(() => expect(button("Stop")).toBeDefined());
    button("Stop")?.click();
    await vi.waitFor(() => expect(button("Measure")).toBeDefined());
    expect(port.sent).toContainEqual({ t: "cancel", rid: id });
    expect(find(".ss-health-measure table")?.textContent).toContain("29.0");
  });

  test("stops measuring when it is closed", async () => {
    let id = "";
    const port = kernel({
      onMeasure: (rid) => {
        id = rid;
      },
    });
    show(port);
    await ready(".ss-health");
    button("Measure")?.click();
    await vi.waitFor(() => expect(id).not.toBe(""));
    unmount();
    unmount = () => {};
    expect(port.sent).toContainEqual({ t: "cancel", rid: id });
  });

  test("without the model says what measuring needs", async () => {
    show(kernel({ info: { has_model: false } }));
    await ready(".ss-health");
    expect(button("Measure")).toBeUndefined();
    expect(host.textContent).toContain("Measuring needs the model");
  });

  test("reads anew as the index grows, and keeps what it shows when that fails", async () => {
    let now: Health | undefined = healthOf();
    const port = kernel({ answer: () => now });
    show(port);
    await ready(".ss-health");
    now = undefined;
    const scopes = [{ ...infoOf(64), n_tokens: 1, is_complete: false }];
    port.deliver({ t: "notify", topic: "scopes", data: { scopes } });
    await vi.waitFor(() => expect(host.textContent).toContain("Shown as before"), { timeout: 3000 });
    expect(find(".ss-health-figures")).not.toBeNull();
    now = healthOf({ grade: "poor" });
    find(".ss-stale button")?.click();
    await vi.waitFor(() => expect(find(".ss-health-head")?.textContent).toContain("○poor"));
  });

  test("says what could not be read, and tries again", async () => {
    let now: Health | undefined;
    show(kernel({ answer: () => now }));
    await vi.waitFor(() => expect(host.textContent).toContain("The health could not be read."));
    now = healthOf();
    button("Retry")?.click();
    await ready(".ss-health");
  });
});

test("the badge needs one request, and says a word and a figure", async () => {
  const port = kernel();
  const client = new Client(port);
  render(<HealthBadge info={infoOf(64)} client={client} />, host);
  unmount = () => {
    render(null, host);
    client.close();
  };
  await ready(".ss-health-badge");
  expect(host.textContent).toBe("●good 98.4\u2009% recovered");
  expect(find(".ss-health-badge")?.getAttribute("aria-label")).toBe("Health: good 98.4\u2009% recovered");
  expect(asked(port, "health.get")).toBe(1);
});

test("figures carry their digits, errors and thresholds", () => {
  expect([0.98387, 0.0366, 0.00366, 0, -0.3, 1].map(share)).toEqual([
    "98.4\u2009%",
    "3.66\u2009%",
    "0.366\u2009%",
    "0\u2009%",
    "−30.0\u2009%",
    "100.0\u2009%",
  ]);
  expect(errorText(figure("recovered", 1, { error: 0.00752 }))).toBe("± 0.75");
  expect(errorText(figure("l0", 1, { error: 1.018 }))).toBe("± 1");
  expect(thresholds(figure("dense", 0, { good: 0.01, fair: 0.05 }))).toBe(
    "good up to 1.00\u2009%, fair up to 5.00\u2009%",
  );
  expect(verdict({ best: [] })).toBe("How much the reconstruction keeps has not been measured.");
  expect(verdict({ best: [figure("recovered", 0.5)] })).toBe(
    "The reconstruction keeps 50.0\u2009% of the model's loss.",
  );
});

test("axes have few round ticks in their places", () => {
  const edges = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];
  expect(ticks(edges, true).map(asDensity)).toEqual(["0.01\u2009%", "1\u2009%", "100\u2009%"]);
  expect(place(edges, 0.1, true)).toBeCloseTo(0.8);
  expect(ticks([0, 30, 61], false)).toEqual([0, 31, 61]);
  expect(ticks([2, 3, 4], true)).toHaveLength(3);
  expect(ticks([], true)).toEqual([]);
});
