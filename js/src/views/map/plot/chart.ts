import { View } from "./camera.js";
import { densityOf } from "./density.js";
import { type Box, clamp, Grid, isInside } from "./grid.js";
import { Layers } from "./layers.js";
import { Line } from "./line.js";
import { listenTo } from "./pointer.js";
import type { Camera, Chart, ChartEvents, MapCodes, MapPlaces, MapStyle, Point } from "./types.js";

const HOVER_PX = 14;
const SMOOTH_MS = 250;
const REST_MS = 120;
const FEW = 10_000;
const A_LOT = 20;
const SLOW_MS = 28;

/** Draw a map in an element; the canvas is as large as the element. */
export function createChart(host: HTMLElement, events: ChartEvents): Chart {
  return new Drawn(host, events);
}

class Drawn implements Chart {
  readonly #host: HTMLElement;
  readonly #events: ChartEvents;
  readonly #life = new AbortController();
  readonly #canvas = document.createElement("canvas");
  readonly #layers: Layers;
  readonly #line: Line;
  readonly #view = new View();
  readonly #observer: ResizeObserver;
  #places: MapPlaces = { x: new Float32Array(0), y: new Float32Array(0), fires: new Uint8Array(0) };
  #grid = new Grid(this.#places);
  #isLasso = false;
  #hidesDead = false;
  #way: AbortController | undefined;
  #goal: Camera = this.#view.camera;
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #drawn_ms = 0;
  #slowness = 0;
  #most = 200_000;
  #wasAnimated = false;

  constructor(host: HTMLElement, events: ChartEvents) {
    this.#host = host;
    this.#events = events;
    this.#layers = new Layers(this.#canvas);
    host.prepend(this.#canvas);
    this.#line = new Line(host);
    const lost = (event: Event) => {
      event.preventDefault();
      if (!this.#life.signal.aborted) events.onLost();
    };
    this.#canvas.addEventListener("webglcontextlost", lost, { signal: this.#life.signal });
    this.#listen();
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(host);
    this.#resize();
  }

  get size(): Point {
    return this.#view.size;
  }

  get camera(): Camera {
    return this.#view.camera;
  }

  setPlaces(places: MapPlaces, camera: Camera | undefined): void {
    this.#places = places;
    this.#grid = new Grid(places);
    this.#layers.setPlaces(places, this.#grid);
    this.#view.setCore(this.#grid.core);
    this.#view.set(camera ?? this.#view.whole);
    this.#draw();
  }

  setCodes(codes: MapCodes): void {
    this.#layers.setCodes(this.#places, codes, densityOf(this.#grid, this.#places, codes));
    this.#draw();
  }

  setStyle(style: MapStyle): void {
    this.#layers.setStyle(style);
    this.#draw();
  }

  setPicked(features: readonly number[]): void {
    this.#layers.setPicked(this.#places, features);
    this.#draw();
  }

  setHidesDead(hides: boolean): void {
    this.#hidesDead = hides;
    this.#draw();
  }

  setLasso(isOn: boolean): void {
    this.#isLasso = isOn;
    if (!isOn) this.#line.draw([]);
  }

  look(camera: Partial<Camera>, isSmooth = false): void {
    const isWhole = Object.keys(camera).length === 0;
    const target = { ...(isWhole ? this.#view.whole : this.#target), ...camera };
    const isJump = !isSmooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#way?.abort();
    if (isJump) this.#set(target);
    else this.#go(target);
  }

  zoomBy(factor: number, at?: Point): void {
    if (!at) {
      this.look({ zoom: this.#target.zoom * factor }, true);
      return;
    }
    this.#way?.abort();
    this.#view.zoom(factor, at);
    this.#moved();
  }

  panBy(dx_px: number, dy_px: number): void {
    this.#way?.abort();
    this.#view.pan(dx_px, dy_px);
    this.#moved();
  }

  screenOf(x: number, y: number): Point {
    return this.#view.screenOf(x, y);
  }

  placeOf(feature: number): Point | undefined {
    const [x, y] = [this.#places.x[feature], this.#places.y[feature]];
    return x !== undefined && y !== undefined && Number.isFinite(x) && Number.isFinite(y)
      ? [x, y]
      : undefined;
  }

  nearest(at: Point, radius_px: number): number | undefined {
    const [x, y] = this.#view.planeOf(at);
    const radius = radius_px / this.#view.px_a_unit;
    let best: number | undefined;
    let least = radius * radius;
    this.#grid.each({ x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius }, (feature, px, py) => {
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far > least || this.#isHidden(feature)) return;
      [best, least] = [feature, far];
    });
    return best;
  }

  inView(limit: number): { n: number; features: number[] } {
    const features: number[] = [];
    const about = this.#count(this.#view.box());
    if (about > A_LOT * limit) return { n: about, features };
    let n = 0;
    this.#grid.each(this.#view.box(), (feature) => {
      if (this.#isHidden(feature)) return;
      if (n++ < limit) features.push(feature);
    });
    return { n, features };
  }

  destroy(): void {
    this.#life.abort();
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rest);
    this.#layers.destroy();
    this.#canvas.remove();
    this.#line.remove();
  }

  /** Where the camera is going, or is. */
  get #target(): Camera {
    return this.#way && !this.#way.signal.aborted ? this.#goal : this.camera;
  }

  #set(camera: Camera): void {
    this.#view.set(camera);
    this.#moved();
  }

  #go(target: Camera): void {
    const way = new AbortController();
    this.#way = way;
    this.#goal = target;
    const from = { ...this.camera };
    const start = performance.now();
    const step = () => {
      if (way.signal.aborted || this.#life.signal.aborted) return;
      const t = clamp((performance.now() - start) / SMOOTH_MS, 0, 1);
      const eased = t * (2 - t);
      const between = (a: number, b: number) => a + (b - a) * eased;
      const zoom = from.zoom * (target.zoom / from.zoom) ** eased;
      this.#set({ x: between(from.x, target.x), y: between(from.y, target.y), zoom });
      if (t < 1) requestAnimationFrame(step);
      else way.abort();
    };
    step();
  }

  #isHidden(feature: number): boolean {
    return this.#hidesDead && !this.#places.fires[feature];
  }

  #listen(): void {
    const on = {
      pan: (dx: number, dy: number) => this.panBy(dx, dy),
      zoom: (factor: number, at: Point) => this.zoomBy(factor, at),
      hover: (at: Point | undefined) => this.#events.onHover(at && this.nearest(at, HOVER_PX)),
      click: (at: Point) => {
        const found = this.nearest(at, HOVER_PX);
        if (found !== undefined) this.#events.onOpen(found);
      },
      lasso: (line: readonly Point[], isDone: boolean) => {
        this.#line.draw(isDone ? [] : line);
        if (isDone && line.length > 2) this.#events.onLasso(this.#within(line));
      },
      isLasso: () => this.#isLasso,
      end: () => this.#restSoon(),
    };
    listenTo(this.#host, on, this.#life.signal);
  }

  #within(line: readonly Point[]): number[] {
    const polygon = line.map((at) => this.#view.planeOf(at));
    const [xs, ys] = [polygon.map((p) => p[0]), polygon.map((p) => p[1])];
    const box = { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
    const found: number[] = [];
    this.#grid.each(box, (feature, x, y) => {
      if (!this.#isHidden(feature) && isInside(polygon, x, y)) found.push(feature);
    });
    return found.sort((a, b) => a - b);
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.#view.size = [width, height];
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#paint();
    this.#restSoon();
  }

  #moved(): void {
    this.#draw();
    this.#restSoon();
  }

  #restSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#events.onRest(this.camera), REST_MS);
  }

  #draw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#pace();
      this.#paint();
    });
  }

  /** About how many features lie in a box: all of the cells it touches. */
  #count(box: Box): number {
    return this.#grid.runs(box).reduce((sum, [start, end]) => sum + end - start, 0);
  }

  /** Where frames come slowly, fewer points stand for themselves, and more are shaded. */
  #pace(): void {
    const now = performance.now();
    const took_ms = now - this.#drawn_ms;
    this.#drawn_ms = now;
    if (took_ms > 250 || !this.#wasAnimated) return;
    this.#slowness = 0.7 * this.#slowness + 0.3 * took_ms;
    if (this.#slowness > SLOW_MS && this.#most > FEW) {
      this.#most = Math.max(FEW, this.#most * 0.7);
      this.#slowness = SLOW_MS / 2;
    }
  }

  #paint(): void {
    const { clip, px_a_unit, size } = this.#view;
    const box = this.#view.box(10);
    const n = this.#count(box);
    const crowd = Math.max(n / this.#most, n / (0.9 * size[0] * size[1]));
    const points = clamp(2 * (1 - crowd), 0, 1);
    this.#wasAnimated = points > 0;
    const ratio = this.#canvas.width / Math.max(size[0], 1);
    this.#layers.draw({ ...clip, box, px_a_unit, n }, ratio, points, this.#hidesDead);
    this.#events.onView();
  }
}
