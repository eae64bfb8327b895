import { type Box, clamp } from "./grid.js";
import type { Camera, Point } from "./types.js";

const MARGIN_PX = 28;
const FARTHEST = 0.4;
const NEAREST = 4000;

/** Where features stand on the screen, for a camera, a size, and the part of the plane that is the whole. */
export class View {
  size: Point = [1, 1];
  camera: Camera = { x: 0, y: 0, zoom: 1 };
  #core: Box = { x0: -1, y0: -1, x1: 1, y1: 1 };

  setCore(core: Box): void {
    this.#core = core;
  }

  /** The camera that shows the whole. */
  get whole(): Camera {
    const { x0, y0, x1, y1 } = this.#core;
    return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, zoom: 1 };
  }

  get px_a_unit(): number {
    const { x0, y0, x1, y1 } = this.#core;
    const scaleFor = (px: number, span: number) => Math.max(px - 2 * MARGIN_PX, 20) / Math.max(span, 1e-9);
    return Math.min(scaleFor(this.size[0], x1 - x0), scaleFor(this.size[1], y1 - y0)) * this.camera.zoom;
  }

  screenOf(x: number, y: number): Point {
    const { camera, size, px_a_unit } = this;
    return [size[0] / 2 + (x - camera.x) * px_a_unit, size[1] / 2 - (y - camera.y) * px_a_unit];
  }

  planeOf([left, top]: Point): Point {
    const { camera, size, px_a_unit } = this;
    return [camera.x + (left - size[0] / 2) / px_a_unit, camera.y - (top - size[1] / 2) / px_a_unit];
  }

  /** The part of the plane in sight, and so many pixels around it. */
  box(around_px = 0): Box {
    const [x0, y1] = this.planeOf([-around_px, -around_px]);
    const [x1, y0] = this.planeOf([this.size[0] + around_px, this.size[1] + around_px]);
    return { x0, y0, x1, y1 };
  }

  pan(dx: number, dy: number): void {
    const { camera, px_a_unit } = this;
    this.set({ x: camera.x - dx / px_a_unit, y: camera.y + dy / px_a_unit });
  }

  /** What is under `at` stays there. */
  zoom(factor: number, at: Point): void {
    const [x, y] = this.planeOf(at);
    this.set({ zoom: this.camera.zoom * factor });
    const [left, top] = this.screenOf(x, y);
    this.pan(at[0] - left, at[1] - top);
  }

  set(part: Partial<Camera>): void {
    const { x0, y0, x1, y1 } = this.#core;
    const next = { ...this.camera, ...part };
    const span = Math.max(x1 - x0, y1 - y0) * 4;
    this.camera = {
      x: clamp(next.x, x0 - span, x1 + span),
      y: clamp(next.y, y0 - span, y1 + span),
      zoom: clamp(next.zoom, FARTHEST, NEAREST),
    };
  }

  /** From the plane to the square that WebGL draws. */
  get clip(): { scale: [number, number]; offset: [number, number] } {
    const { camera, size, px_a_unit } = this;
    const scale: [number, number] = [(2 * px_a_unit) / size[0], (2 * px_a_unit) / size[1]];
    return { scale, offset: [-camera.x * scale[0], -camera.y * scale[1]] };
  }
}
