import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { MapData } from "../src/protocol/generated.js";
import { createChart } from "../src/views/map/plot/chart.js";
import {
  type Camera,
  type Chart,
  type ChartEvents,
  NoWebGl,
  type Point,
} from "../src/views/map/plot/types.js";
import { clusters, color, N, places } from "./made-up-map.js";

vi.mock("../src/views/map/plot/chart.js", { spy: true });

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
  vi.mocked(createChart).mockImplementation((_, events) => new FakeChart(events));
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
    vi.mocked(createChart).mockImplementationOnce(() => {
      throw new NoWebGl("none");
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
});
