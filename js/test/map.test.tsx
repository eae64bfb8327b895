import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { MapCluster, MapColor, MapData } from "../src/protocol/generated.js";
import { loadChart } from "../src/views/map/bundle.js";
import { clusterNames, fitting } from "../src/views/map/names.js";
import { View } from "../src/views/map/plot/camera.js";
import { densityOf } from "../src/views/map/plot/density.js";
import { Grid, isInside } from "../src/views/map/plot/grid.js";
import {
  type Camera,
  type Chart,
  type ChartEvents,
  NoWebGl,
  type Point,
} from "../src/views/map/plot/types.js";
import { codesOf, onScale } from "../src/views/map/ramp.js";

const N = 900;
const random = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
};
const next = random(7);
const places = {
  x: Float32Array.from({ length: N }, (_, i) => (i === 4 ? Number.NaN : next() * 2 - 1)),
  y: Float32Array.from({ length: N }, (_, i) => (i === 4 ? Number.NaN : next() - 0.5)),
  fires: Uint8Array.from({ length: N }, (_, i) => Number(i % 9 !== 0)),
};

describe("the grid", () => {
  const grid = new Grid(places);

  test("holds every feature that has a place once", () => {
    expect([...grid.order].sort((a, b) => a - b)).toEqual(
      Array.from({ length: N }, (_, i) => i).filter((i) => i !== 4),
    );
  });

  test("finds what lies in a box, as a plain search does", () => {
    const box = { x0: -0.31, y0: -0.2, x1: 0.52, y1: 0.11 };
    const found: number[] = [];
    grid.each(box, (feature) => found.push(feature));
    const wanted = Array.from({ length: N }, (_, i) => i).filter((i) => {
      const [x, y] = [places.x[i] as number, places.y[i] as number];
      return x >= box.x0 && x <= box.x1 && y >= box.y0 && y <= box.y1;
    });
    expect(found.sort((a, b) => a - b)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(50);
  });

  test("has nothing outside, and copes with nothing and with one", () => {
    expect(grid.runs({ x0: 5, y0: 5, x1: 6, y1: 6 })).toEqual([]);
    const none = new Grid({ x: new Float32Array(0), y: new Float32Array(0), fires: new Uint8Array(0) });
    expect(none.order).toHaveLength(0);
    const one = new Grid({ x: new Float32Array([3]), y: new Float32Array([3]), fires: new Uint8Array([1]) });
    const found: number[] = [];
    one.each({ x0: 2, y0: 2, x1: 4, y1: 4 }, (feature) => found.push(feature));
    expect(found).toEqual([0]);
  });
});

test("a line goes round what is inside it, in a hollow too", () => {
  const hollow: Point[] = [
    [0, 0],
    [4, 0],
    [4, 4],
    [2, 1],
    [0, 4],
  ];
  expect(isInside(hollow, 1, 0.5)).toBe(true);
  expect(isInside(hollow, 2, 3)).toBe(false);
  expect(isInside(hollow, 9, 1)).toBe(false);
});

test("the density is highest where most features fire, and dead ones add none", () => {
  const x = new Float32Array([0, 0, 0, 0, 10, 10, 10, 10, 10, 10]);
  const fires = new Uint8Array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  const some = { x, y: new Float32Array(10), fires };
  const codes = { codes: new Uint8Array(10).fill(200), isCategory: false, hasShapes: false };
  const grid = new Grid(some);
  const { side, texels } = densityOf(grid, some, codes);
  const at = (px: number) => {
    const column = Math.floor(((px - grid.box.x0) / (grid.box.x1 - grid.box.x0)) * side);
    return 2 * (Math.floor(side / 2) * side + column);
  };
  expect(texels[at(0)]).toBeGreaterThan(texels[at(10)] as number);
  expect(texels[at(10)]).toBeGreaterThan(0);
  expect(texels[at(5)]).toBe(0);
  expect(texels[at(0) + 1]).toBe(200);
});

describe("the camera", () => {
  const view = new View();
  view.size = [720, 300];
  view.setCore({ x0: -2, y0: -1, x1: 2, y1: 1 });
  view.set(view.whole);

  test("shows the whole, and goes there and back", () => {
    for (const [x, y] of [
      [-2, -1],
      [2, 1],
    ] as const) {
      const [left, top] = view.screenOf(x, y);
      expect(left >= 0 && left <= 720 && top >= 0 && top <= 300).toBe(true);
      const [px, py] = view.planeOf([left, top]);
      expect(px).toBeCloseTo(x, 9);
      expect(py).toBeCloseTo(y, 9);
    }
  });

  test("keeps what is under the pointer there when it comes nearer", () => {
    const before = view.planeOf([500, 80]);
    view.zoom(3, [500, 80]);
    const after = view.planeOf([500, 80]);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
    expect(view.camera.zoom).toBeCloseTo(3);
  });
});

const color = (part: Partial<MapColor> = {}): MapColor => ({
  name: "density",
  title: "density",
  is_log: true,
  low: 0.0001,
  high: 1,
  categories: [],
  ...part,
});

test("values stand on their scale, logarithmic or not, and what is none has no color", () => {
  expect(onScale(0.01, color())).toBeCloseTo(0.5);
  expect(onScale(7, color({ is_log: false, low: 5, high: 9 }))).toBeCloseTo(0.5);
  expect(onScale(99, color())).toBe(1);
  expect([...codesOf(new Float32Array([1, Number.NaN, 0.0001]), color()).codes]).toEqual([254, 255, 0]);
  const status = codesOf(
    new Float32Array([0, 3]),
    color({ name: "status", categories: ["none", "a", "b", "c"] }),
  );
  expect([...status.codes, status.hasShapes]).toEqual([0, 3, true]);
});

const clusters: MapCluster[] = [
  { x: -0.5, y: 0, name: "ships · fleet", n: 600, level: 0 },
  { x: 0.5, y: 0, name: "would", n: 299, level: 0 },
  { x: -0.6, y: 0.1, name: "harbour", n: 100, level: 1 },
  { x: -0.6, y: 0.1, name: "", n: 80, level: 1 },
];

test("clusters are named by level, and names give way to each other and to the open feature", () => {
  expect(clusterNames(clusters, 1).map((n) => n.text)).toEqual(["ships · fleet", "would"]);
  expect(clusterNames(clusters, 3).map((n) => n.text)).toEqual(["harbour"]);
  const names = ["one", "two", "three"].map((text, i) => ({
    text,
    x: 50 + 4 * i,
    y: i === 2 ? 90 : 50,
    kind: "cluster" as const,
  }));
  const at = (x: number, y: number): Point => [x, y];
  expect(fitting(names, [200, 200], at).map((n) => n.text)).toEqual(["one", "three"]);
  expect(fitting(names, [200, 200], at, [50, 50]).map((n) => n.text)).toEqual(["three"]);
  expect(fitting(names, [200, 70], at).map((n) => n.text)).toEqual(["one"]);
});

vi.mock("../src/views/map/bundle.js", { spy: true });

let host: HTMLElement;
let unmount = () => {};
let made: FakeChart | undefined;
let nDestroyed = 0;
const chartNow = () => made;

class FakeChart implements Chart {
  size: Point = [700, 400];
  camera: Camera = { x: 0, y: 0, zoom: 1 };
  picked: readonly number[] = [];
  hidesDead = false;
  isLasso = false;
  nPlaced = 0;
  codes: Uint8Array | undefined;
  looked: Partial<Camera>[] = [];
  events: ChartEvents;

  constructor(events: ChartEvents) {
    this.events = events;
    made = this;
  }
  setPlaces(_: unknown, camera: Camera | undefined) {
    this.nPlaced++;
    this.camera = camera ?? this.camera;
  }
  setCodes({ codes }: { codes: Uint8Array }) {
    this.codes = codes;
  }
  setStyle() {}
  setPicked(features: readonly number[]) {
    this.picked = features;
  }
  setHidesDead(hides: boolean) {
    this.hidesDead = hides;
  }
  setLasso(isOn: boolean) {
    this.isLasso = isOn;
  }
  look(camera: Partial<Camera>) {
    this.looked.push(camera);
    this.camera = { ...this.camera, ...camera };
    this.events.onRest(this.camera);
  }
  zoomBy(factor: number) {
    this.look({ zoom: this.camera.zoom * factor });
  }
  panBy() {}
  screenOf(x: number, y: number): Point {
    return [350 + 300 * x, 200 - 300 * y];
  }
  placeOf(feature: number): Point | undefined {
    const [x, y] = [places.x[feature], places.y[feature]];
    return x === undefined || y === undefined || Number.isNaN(x) ? undefined : [x, y];
  }
  nearest() {
    return 17;
  }
  inView() {
    return { n: N, features: [] };
  }
  destroy() {
    nDestroyed++;
  }
}

beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
  made = undefined;
  nDestroyed = 0;
  vi.mocked(loadChart).mockResolvedValue({ createChart: (_, events) => new FakeChart(events) });
});
afterEach(() => {
  unmount();
  host.remove();
});

const view = (array: Float32Array | Uint8Array) => new DataView(array.slice().buffer);

/** A kernel with a map; `change` alters what it says of it. */
function kernel(change: (params: Record<string, unknown>) => Partial<MapData> = () => ({})): MemoryPort {
  return new MemoryPort((frame, port) => {
    const { method, rid, params } = frame as { method: string; rid: string; params: Record<string, unknown> };
    if (frame["t"] !== "request") return;
    const answer = (data: object, buffers: DataView[] = []) =>
      port.deliver({ t: "result", rid, data }, buffers);
    if (method === "scope.info") return answer(infoOf(N));
    if (method === "scope.selection") return answer({ scope: "dev", feature: null, picked: [], text: "" });
    if (method === "features.brief") {
      const brief = { label: "<b>ships</b>", top_tokens: [" a"], density: 0.1, max: 3, n_fires: 9 };
      return answer({ briefs: (params["features"] as number[]).map((feature) => ({ feature, ...brief })) });
    }
    if (method !== "map.get") return answer({ drawing: null });
    const data: MapData = {
      method: String(params["method"]),
      is_drawn: true,
      methods: ["pca", "umap"].map((name) => ({ name, title: name.toUpperCase() })),
      colors: ["density", "max"].map((name) => ({ name, title: name })),
      n: N,
      n_placed: N - 1,
      color: color({ name: String(params["color"]) }),
      clusters,
      drawing: null,
      ...change(params),
    };
    const buffers = [view(places.x.map(() => 0.5))];
    if (params["with_places"]) buffers.push(view(places.x), view(places.y), view(places.fires));
    answer(data, data.is_drawn ? buffers : []);
  });
}

const show = (port: MemoryPort, feature?: number, state = {}) => {
  unmount = mount("map", port, host, { scope: "dev", feature, state });
};
const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const drawn = () => vi.waitFor(() => expect(made?.codes).toHaveLength(N), { timeout: 3000 });
const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);
const press = (key: string, on: Element | null) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

describe("the map", () => {
  test("is drawn, and told in words", async () => {
    show(kernel());
    await drawn();
    expect(find("[role=application]")?.getAttribute("aria-label")).toBe("Map of 900 features by PCA");
    expect(find("[aria-label='Clusters of the map']")?.textContent).toContain("ships · fleet 600 features");
    expect(host.textContent).toContain("1 without a direction are not shown");
  });

  test("sends places once, and asks for a color alone", async () => {
    const port = kernel();
    show(port);
    await drawn();
    const select = find(".ss-map-bar label:nth-of-type(2) select") as HTMLSelectElement;
    select.value = "max";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await vi.waitFor(() => expect(sent(port, "map.get")).toHaveLength(2));
    expect(sent(port, "map.get").map((p) => [p["color"], p["with_places"]])).toEqual([
      ["density", true],
      ["max", false],
    ]);
    await vi.waitFor(() => expect(find(".ss-map-legend")?.textContent).toContain("≥"));
    expect(made?.nPlaced).toBe(1);
  });

  test("opens what is clicked, and stays where it is", async () => {
    const port = kernel();
    show(port, 3);
    await drawn();
    const nLooked = made?.looked.length;
    made?.events.onOpen(40);
    await vi.waitFor(() => expect(sent(port, "scope.select").at(-1)).toMatchObject({ feature: 40 }));
    expect(made?.looked.length).toBe(nLooked);
  });

  test("goes to a feature that is chosen elsewhere and out of sight, not to one in sight", async () => {
    const port = kernel();
    show(port);
    await drawn();
    const far = [...places.x].findIndex((x) => x > 0.99 || (x !== undefined && Math.abs(x) * 300 > 345));
    (made as FakeChart).size = [200, 100];
    const before = made?.looked.length ?? 0;
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: far } });
    await vi.waitFor(() => expect(made?.looked.length).toBe(before + 1));
    (made as FakeChart).size = [700, 400];
    const middle = [...places.x].findIndex(
      (x, i) => Math.abs(x) < 0.2 && Math.abs(places.y[i] as number) < 0.2,
    );
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: middle } });
    await vi.waitFor(() =>
      expect(find("[role=application]")?.getAttribute("aria-label")).toContain(`${middle} is`),
    );
    expect(made?.looked.length).toBe(before + 1);
  });

  test("picks what a lasso goes round, says how many, and lets them go", async () => {
    const port = kernel();
    show(port);
    await drawn();
    press("o", find(".saescope"));
    await vi.waitFor(() => expect(made?.isLasso).toBe(true));
    press("Escape", find("[role=application]"));
    await vi.waitFor(() => expect(made?.isLasso).toBe(false));
    made?.events.onLasso([5, 6, 7]);
    await vi.waitFor(() => expect(find(".ss-map-picked")?.textContent).toContain("3 picked"));
    expect(made?.picked).toEqual([5, 6, 7]);
    expect(sent(port, "scope.select").at(-1)).toMatchObject({ picked: [5, 6, 7] });
    find(".ss-map-picked button")?.click();
    await vi.waitFor(() => expect(made?.picked).toEqual([]));
  });

  test("is walked with keys, and says what is in the middle as text", async () => {
    const port = kernel();
    show(port);
    await drawn();
    press("ArrowLeft", find("[role=application]"));
    await vi.waitFor(() =>
      expect(find("[aria-live]")?.textContent).toBe("In the middle: feature 17: <b>ships</b>"),
    );
    expect(host.querySelector("b")).toBeNull();
    press("+", find("[role=application]"));
    expect(made?.camera.zoom).toBe(1.5);
    press("Enter", find("[role=application]"));
    await vi.waitFor(() => expect(sent(port, "scope.select").at(-1)).toMatchObject({ feature: 17 }));
  });

  test("remembers where one looked, on the map it was", async () => {
    show(kernel(), undefined, { camera: { x: 0.25, y: 0, zoom: 4, method: "pca" } });
    await drawn();
    expect(made?.camera).toMatchObject({ x: 0.25, zoom: 4 });
    unmount();
    expect(nDestroyed).toBe(1);
    made = undefined;
    show(kernel(), undefined, { camera: { x: 0.25, y: 0, zoom: 4, method: "umap" } });
    await drawn();
    expect(chartNow()?.camera.zoom).toBe(1);
  });

  test("is drawn on a wish when it takes long, with progress and a stop", async () => {
    let isDrawn = false;
    const port = kernel(({ method }) => ({ is_drawn: method === "pca" || isDrawn }));
    show(port, undefined, { method: "umap" });
    await vi.waitFor(() => expect(host.textContent).toContain("The map by UMAP has not been drawn yet."));
    expect(sent(port, "map.draw")).toEqual([]);
    find(".ss-notice button")?.click();
    await vi.waitFor(() => expect(sent(port, "map.draw")).toHaveLength(1));
    const news = {
      scope: "dev",
      method: "umap",
      stage: "Laying out",
      unit: "epoch",
      done: 50,
      total: 200,
      is_over: false,
      error: "",
      hint: "",
    };
    port.deliver({ t: "notify", topic: "maps", data: news });
    await vi.waitFor(() => expect(find("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("25"));
    find(".ss-stop")?.click();
    await vi.waitFor(() => expect(sent(port, "map.stop")).toHaveLength(1));
    isDrawn = true;
    port.deliver({ t: "notify", topic: "maps", data: { ...news, is_over: true } });
    await drawn();
  });

  test("tells why a drawing failed", async () => {
    const port = kernel(({ method }) => ({ is_drawn: method === "pca" }));
    show(port, undefined, { method: "umap" });
    await vi.waitFor(() => expect(find(".ss-notice button")).not.toBeNull());
    const error = "the map by UMAP needs umap-learn, which is not installed.";
    const news = { scope: "dev", method: "umap", stage: "", unit: "", done: 0, total: 0, is_over: true };
    port.deliver({
      t: "notify",
      topic: "maps",
      data: { ...news, error, hint: 'pip install "saescope[map]"' },
    });
    await vi.waitFor(() => expect(host.textContent).toContain('pip install "saescope[map]"'));
  });

  test("draws the map by components by itself when the index holds none", async () => {
    let isDrawn = false;
    const port = kernel(() => ({ is_drawn: isDrawn }));
    show(port);
    await vi.waitFor(() => expect(sent(port, "map.draw")).toHaveLength(1));
    isDrawn = true;
    const news = {
      scope: "dev",
      method: "pca",
      stage: "",
      unit: "",
      done: 0,
      total: 0,
      is_over: true,
      error: "",
      hint: "",
    };
    port.deliver({ t: "notify", topic: "maps", data: news });
    await drawn();
  });

  test("says so where there is no WebGL, and tries again when its context is lost", async () => {
    vi.mocked(loadChart).mockResolvedValueOnce({
      createChart: () => {
        throw new NoWebGl("none");
      },
    });
    show(kernel());
    await vi.waitFor(() =>
      expect(host.textContent).toContain("The map needs WebGL, and this browser gives none."),
    );
    unmount();
    show(kernel());
    await drawn();
    const first = made;
    first?.events.onLost();
    await vi.waitFor(() => expect(host.textContent).toContain("took the graphics of the map away"));
    find(".ss-notice button")?.click();
    await vi.waitFor(() => expect(made).not.toBe(first));
  });

  test("offers another try when its code does not come", async () => {
    vi.mocked(loadChart).mockRejectedValueOnce(new Error("map.js was not built."));
    show(kernel());
    await vi.waitFor(() => expect(host.textContent).toContain("map.js was not built."));
    find(".ss-notice button")?.click();
    await drawn();
  });
});

test("the code is fetched once a page, and a failure is not kept", async () => {
  const real = await vi.importActual<typeof import("../src/views/map/bundle.js")>(
    "../src/views/map/bundle.js",
  );
  const request = vi.fn().mockRejectedValue(new Error("gone"));
  const client = { request } as unknown as Parameters<typeof loadChart>[0];
  await expect(real.loadChart(client)).rejects.toThrow("gone");
  await expect(real.loadChart(client)).rejects.toThrow("gone");
  expect(request).toHaveBeenCalledTimes(2);
  request.mockReturnValue(new Promise(() => {}));
  void real.loadChart(client);
  void real.loadChart(client);
  expect(request).toHaveBeenCalledTimes(3);
});
