import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { Metric, Neighbors, ScopeInfo } from "../src/protocol/generated.js";
import { circleOrder, triangle } from "../src/views/neighbors/order.js";
import { labelOf, starOf, ticks } from "../src/views/neighbors/star.js";

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

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });

const metric = (name: string, part: Partial<Metric> = {}): Metric => ({
  name,
  title: `${name} title`,
  meaning: `What ${name} means.`,
  low: -1,
  high: 1,
  is_by_firing: false,
  problem: "",
  ...part,
});
const METRICS = [metric("decoder"), metric("jaccard", { low: 0, is_by_firing: true })];

function brief(feature: number, n_fires = 100) {
  const top_tokens = [" sea", "<img src=x onerror=alert(1)>"];
  return { feature, label: "", top_tokens, density: 0.01, max: 5, n_fires, is_known: true };
}

function answerOf(feature: number, name: string, k: number): Neighbors {
  const numbers = Array.from({ length: Math.min(k, 12) }, (_, i) => (feature + i + 1) % 4096);
  return {
    center: brief(feature, feature === 99 ? 0 : 100),
    metric: METRICS.find((m) => m.name === name) ?? metric(name),
    neighbors: numbers.map((f, i) => ({
      brief: brief(f),
      score: name === "jaccard" && i > 3 ? 0 : 0.9 - i * 0.05,
      error: name === "jaccard" ? (i === 0 ? 0.012 : 0) : null,
    })),
    links: Array.from({ length: (13 * 12) / 2 }, (_, i) => (i % 7) / 10),
  };
}

interface World {
  info?: Partial<ScopeInfo>;
  metrics?: Metric[];
  fails?: boolean;
}

function portOf(world: World = {}): MemoryPort {
  const good = fixturePort(4096, 0, { info: { ...infoOf(4096), ...world.info }, shift: 0 });
  const port: MemoryPort = new MemoryPort((frame) => {
    const { method, rid } = frame as { method?: string; rid?: string };
    const params = frame["params"] as { feature: number; metric: string; k: number };
    const reply = (data: object) => port.deliver({ t: "result", rid, data });
    if (method === "neighbors.metrics") return reply({ metrics: world.metrics ?? METRICS });
    if (method !== "neighbors.list") return good.send(frame as object);
    if (!world.fails) return reply(answerOf(params.feature, params.metric, params.k));
    const error = { code: "internal", message: "The neighbors could not be read.", hint: "", data: {} };
    port.deliver({ t: "error", rid, error });
  });
  good.onFrame((frame) => port.deliver(frame as object));
  return port;
}

function show(port: MemoryPort, feature: number, state: object = {}): void {
  const spec = { scope: "dev", feature, state: state as Record<string, unknown> };
  unmount = mount("neighbors", port, host, spec);
}

const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);

describe("neighbors", () => {
  test("are a list and a picture of the same features", async () => {
    show(portOf(), 7);
    await ready("[data-neighbors-of='7'] [data-neighbor]");
    const listed = all("[data-neighbor]").map((e) => e.dataset["neighbor"]);
    expect(listed).toHaveLength(12);
    expect(all("[data-node]").map((e) => e.dataset["node"])).toEqual(listed);
    expect(find("[data-neighbor='8']")?.textContent).toContain("0.900");
    expect(host.textContent).toContain("What decoder means.");
    expect(host.textContent).toContain("<img src=x onerror=alert(1)>");
    expect(host.querySelector("img")).toBeNull();
  });

  test("are walked by a click, and back without asking again", async () => {
    const port = portOf();
    show(port, 7);
    await ready("[data-neighbor='9']");
    find("[data-neighbor='9'] button")?.click();
    await ready("[data-neighbors-of='9']");
    find("[data-node='11']")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await ready("[data-neighbors-of='11']");
    expect(all(".ss-crumbs li").map((e) => e.textContent)).toEqual(["7 sea", "9 sea", "11 sea"]);
    find("[aria-label='Back']")?.click();
    await ready("[data-neighbors-of='9']");
    find("[aria-label='Forward']")?.click();
    await ready("[data-neighbors-of='11']");
    find(".ss-crumbs button")?.click();
    await ready("[data-neighbors-of='7']");
    expect(sent(port, "neighbors.list").map((p) => p["feature"])).toEqual([7, 9, 11]);
    expect(find("[aria-label='Back']")?.hasAttribute("disabled")).toBe(true);
  });

  test("leave out those without any score, and say so; an error is told", async () => {
    show(portOf(), 7, { metric: "jaccard" });
    await ready("[data-neighbor]");
    expect(all("[data-neighbor]")).toHaveLength(4);
    expect(all("[data-node]")).toHaveLength(4);
    expect(host.textContent).toContain("No more than these 4 fire on the same tokens.");
    expect(find("[data-neighbor='8']")?.textContent).toContain("± 0.0120");
    expect(find("[data-neighbor='9']")?.textContent).not.toContain("±");
  });

  test("by a metric that cannot be used are told of, and another is offered", async () => {
    const port = portOf({
      metrics: [METRICS[0] as Metric, metric("jaccard", { problem: "It needs every activation." })],
    });
    show(port, 7, { metric: "jaccard" });
    await vi.waitFor(() => expect(host.textContent).toContain("It needs every activation."));
    expect(find("[data-metric='jaccard']")?.getAttribute("aria-disabled")).toBe("true");
    find(".ss-notice button")?.click();
    await ready("[data-neighbor]");
    find("[data-metric='jaccard']")?.click();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(find("[data-metric='decoder']")?.getAttribute("aria-pressed")).toBe("true");
  });

  test("of a feature that never fired are none by firing", async () => {
    show(portOf(), 99, { metric: "jaccard" });
    await vi.waitFor(() => expect(host.textContent).toContain("Feature 99 never fired"));
    expect(find("[data-neighbor]")).toBeNull();
  });

  test("of the only feature are none", async () => {
    show(portOf({ info: { n_features: 1 } }), 0);
    await vi.waitFor(() => expect(host.textContent).toContain("This SAE has one feature"));
  });

  test("say what failed, and are asked for again", async () => {
    const world = { fails: true };
    show(portOf(world), 7);
    await vi.waitFor(() => expect(host.textContent).toContain("The neighbors could not be read."));
    world.fails = false;
    find(".ss-notice button")?.click();
    await ready("[data-neighbors-of='7'] [data-neighbor]");
  });

  test("are asked for anew when a label changes or the index grows", async () => {
    const port = portOf();
    show(port, 7);
    await ready("[data-neighbor]");
    port.deliver({ t: "notify", topic: "notes", data: { scope: "dev", features: [8] } });
    await vi.waitFor(() => expect(sent(port, "neighbors.list")).toHaveLength(2));
    const grown = { ...infoOf(4096), n_tokens: 3_000_000 };
    port.deliver({ t: "notify", topic: "scopes", data: { scopes: [grown] } });
    await vi.waitFor(() => expect(sent(port, "neighbors.list")).toHaveLength(3), { timeout: 3000 });
  });

  test("show a neighbor in the list and in the picture at once", async () => {
    show(portOf(), 7);
    await ready("[data-node='10']");
    find("[data-node='10']")?.dispatchEvent(new MouseEvent("mouseenter"));
    await vi.waitFor(() => expect(find("[data-neighbor='10']")?.className).toContain("ss-near-pointed"));
    expect(find("[role=tooltip]")?.textContent).toContain("fires on");
  });
});

describe("the star", () => {
  const names = Array.from({ length: 31 }, (_, i) => ({ number: String(1000 + i), name: "a longer name" }));
  const scores = Array.from({ length: 30 }, (_, i) => 0.8 - i * 0.02);

  test("puts lower scores farther out", () => {
    const { center, spots, rings } = starOf(names, scores, undefined, 600, 400);
    const [rx, ry] = [rings.at(-1)?.rx ?? 1, rings.at(-1)?.ry ?? 1];
    const far = spots.map(({ x, y }) => Math.hypot((x - center.x) / rx, (y - center.y) / ry));
    expect(far.every((d, i) => i === 0 || d > (far[i - 1] ?? 0))).toBe(true);
  });

  test("has labels that overlap nowhere and stay inside", () => {
    for (const [width, height] of [
      [420, 200],
      [600, 400],
      [280, 260],
    ] as const) {
      const { center, spots } = starOf(names, scores, undefined, width, height);
      const boxes = [center, ...spots]
        .flatMap(({ label }) => label ?? [])
        .map(({ x, y, text, anchor }) => {
          const wide = text.length * 6.4;
          const left = anchor === "start" ? x : anchor === "end" ? x - wide : x - wide / 2;
          return { left, right: left + wide, top: y - 6.5, bottom: y + 6.5 };
        });
      expect(boxes.length).toBeGreaterThan(5);
      for (const [i, a] of boxes.entries()) {
        expect(a.left >= 0 && a.right <= width && a.top >= 0 && a.bottom <= height).toBe(true);
        for (const b of boxes.slice(i + 1))
          expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
      }
    }
  });

  test("puts alike neighbors side by side, the same way every time", () => {
    const group = (i: number) => i % 3;
    const order = circleOrder(12, (i, j) => (i === j ? 1 : group(i) === group(j) ? 0.8 : 0.05));
    const changes = order.filter((one, i) => group(one) !== group(order[(i + 1) % 12] ?? 0)).length;
    expect(changes).toBe(3);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(order[0]).toBe(0);
  });

  test("draws lines from a round threshold on", () => {
    const like = (i: number, j: number) => (i + j) / 60;
    const { lines, least } = starOf(names, scores, like, 600, 400);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(36);
    expect(lines.every(({ from, to, cosine }) => cosine >= least && cosine === like(from + 1, to + 1))).toBe(
      true,
    );
  });

  test("reads the upper triangle of a matrix", () => {
    const like = triangle([1, 2, 3, 4, 5, 6], 4);
    expect([like(0, 1), like(3, 0), like(1, 2), like(1, 3), like(3, 2), like(2, 2)]).toEqual([
      1, 3, 4, 5, 6, 1,
    ]);
  });

  test("has one to three round scores as its scale", () => {
    expect(ticks(0.134, 0.215)).toEqual([0.15, 0.2]);
    expect(ticks(0.5, 0.5)).toEqual([0.5]);
    for (const [low, high] of [
      [0, 1],
      [-0.3, 0.9],
      [0.001, 0.0042],
    ] as const) {
      const found = ticks(low, high);
      expect(found.length).toBeGreaterThanOrEqual(1);
      expect(found.length).toBeLessThanOrEqual(4);
      expect(found.every((t) => t >= low - 1e-9 && t <= high + 1e-9)).toBe(true);
    }
  });

  test("cuts a name to what there is room for", () => {
    expect(labelOf({ number: "12", name: "Austro-Hungarian" }, 7)).toBe("12 Austro…");
    expect(labelOf({ number: "12", name: "Austro" }, 0)).toBe("12");
    expect(labelOf({ number: "12", name: "" }, 7)).toBe("12");
  });
});
