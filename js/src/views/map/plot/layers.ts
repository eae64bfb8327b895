import type { Density } from "./density.js";
import { contextOf, fill, Program, paint } from "./gl.js";
import { type Box, clamp, type Grid } from "./grid.js";
import {
  POINT_FRAGMENT,
  POINT_VERTEX,
  RING_FRAGMENT,
  RING_VERTEX,
  SHADE_FRAGMENT,
  SHADE_VERTEX,
} from "./shaders.js";
import type { MapCodes, MapPlaces, MapStyle } from "./types.js";

/** What of the plane a frame shows: a factor and a shift to the clip square, and the part in sight. */
export interface Sight {
  scale: [number, number];
  offset: [number, number];
  box: Box;
  px_a_unit: number;
  n: number;
}

const CORNERS = new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]);

/** What is painted, from the back: shading by density, the points, rings round the picked ones. */
export class Layers {
  readonly #gl: WebGLRenderingContext;
  readonly #programs: { point: Program; ring: Program; shade: Program };
  readonly #buffers: Record<"places" | "marks" | "picked" | "corners", WebGLBuffer>;
  readonly #textures: Record<"palette" | "density", WebGLTexture>;
  #grid: Grid | undefined;
  #codes: MapCodes | undefined;
  #style: MapStyle | undefined;
  #nPicked = 0;
  #side = 0;

  constructor(canvas: HTMLCanvasElement) {
    const gl = contextOf(canvas);
    this.#gl = gl;
    this.#programs = {
      point: new Program(gl, POINT_VERTEX, POINT_FRAGMENT),
      ring: new Program(gl, RING_VERTEX, RING_FRAGMENT),
      shade: new Program(gl, SHADE_VERTEX, SHADE_FRAGMENT),
    };
    const buffer = () => gl.createBuffer();
    this.#buffers = { places: buffer(), marks: buffer(), picked: buffer(), corners: buffer() };
    this.#textures = { palette: gl.createTexture(), density: gl.createTexture() };
    fill(gl, this.#buffers.corners, CORNERS);
  }

  setPlaces(places: MapPlaces, grid: Grid): void {
    this.#grid = grid;
    this.#codes = undefined;
    this.#nPicked = 0;
    fill(this.#gl, this.#buffers.places, pairs(places, grid.order));
  }

  setCodes(places: MapPlaces, codes: MapCodes, density: Density): void {
    const order = this.#grid?.order;
    if (!order) return;
    this.#codes = codes;
    const marks = new Uint8Array(4 * order.length);
    order.forEach((feature, i) => {
      const code = codes.codes[feature] as number;
      marks[4 * i] = code;
      marks[4 * i + 1] = places.fires[feature] ? 0 : 255;
      marks[4 * i + 2] = codes.hasShapes && code < 255 ? code : 0;
    });
    fill(this.#gl, this.#buffers.marks, marks);
    this.#side = density.side;
    paint(this.#gl, this.#textures.density, density.side, density.side, density.texels, true);
  }

  setStyle(style: MapStyle): void {
    this.#style = style;
    paint(this.#gl, this.#textures.palette, 256, 1, style.palette, false);
  }

  setPicked(places: MapPlaces, features: readonly number[]): void {
    const placed = Uint32Array.from(features).filter((f) => Number.isFinite(places.x[f] ?? Number.NaN));
    this.#nPicked = placed.length;
    fill(this.#gl, this.#buffers.picked, pairs(places, placed));
  }

  /** Paint a frame. `points` is how far the points take the place of the shading, from 0 to 1. */
  draw(sight: Sight, ratio: number, points: number, hidesDead: boolean): void {
    const gl = this.#gl;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.#grid || !this.#codes || !this.#style) return;
    this.#drawShade(sight, points);
    if (points > 0) this.#drawPoints(sight, ratio, points, hidesDead);
    if (this.#nPicked) this.#drawRings(sight, ratio);
  }

  #drawShade({ scale, offset, px_a_unit }: Sight, points: number): void {
    const gl = this.#gl;
    const { box } = this.#grid as Grid;
    const cell_px = ((box.x1 - box.x0) * px_a_unit) / this.#side;
    const nearness = clamp((7 - cell_px) / 5, 0, 1);
    if (points === 1 && nearness === 0) return;
    const { shade } = this.#programs;
    const ink = (this.#style as MapStyle).shade;
    shade.use({
      scale,
      offset,
      box: [box.x0, box.y0, box.x1, box.y1],
      ink,
      side: this.#side,
      points,
      nearness,
    });
    shade.texture("palette", 0, this.#textures.palette);
    shade.texture("density", 1, this.#textures.density);
    shade.attribute("corner", this.#buffers.corners, 2);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  #drawPoints({ scale, offset, box, n }: Sight, ratio: number, points: number, hidesDead: boolean): void {
    const gl = this.#gl;
    const size = pointSize(n) * ratio;
    const { point } = this.#programs;
    const growth = this.#codes?.isCategory ? 0 : 0.5;
    point.use({ scale, offset, size, growth, hidesDead: Number(hidesDead) });
    point.use({ opacity: points * clamp(1.15 - 0.14 * Math.log10(n + 1), 0.25, 0.95) });
    point.texture("palette", 0, this.#textures.palette);
    point.attribute("place", this.#buffers.places, 2);
    point.attribute("mark", this.#buffers.marks, 4, true);
    for (const [start, end] of (this.#grid as Grid).runs(box)) gl.drawArrays(gl.POINTS, start, end - start);
  }

  #drawRings({ scale, offset, n }: Sight, ratio: number): void {
    const gl = this.#gl;
    const { ring } = this.#programs;
    const ink = (this.#style as MapStyle).ring;
    ring.use({ scale, offset, ink, size: (pointSize(n) + 6) * ratio, width: 0.9 * ratio });
    ring.attribute("place", this.#buffers.picked, 2);
    gl.drawArrays(gl.POINTS, 0, this.#nPicked);
  }

  destroy(): void {
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** The diameter of a point when so many are in sight. */
export function pointSize(n: number): number {
  return clamp(13.5 - 2.3 * Math.log10(n + 1), 2, 9);
}

function pairs({ x, y }: MapPlaces, features: Uint32Array): Float32Array<ArrayBuffer> {
  const found = new Float32Array(2 * features.length);
  features.forEach((feature, i) => {
    found[2 * i] = x[feature] as number;
    found[2 * i + 1] = y[feature] as number;
  });
  return found;
}
