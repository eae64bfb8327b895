import { describe, expect, test } from "vitest";
import { clusterNames, fitting } from "../src/views/map/names.js";
import { View } from "../src/views/map/plot/camera.js";
import { densityOf } from "../src/views/map/plot/density.js";
import { Grid, isInside } from "../src/views/map/plot/grid.js";
import type { Point } from "../src/views/map/plot/types.js";
import { codesOf, onScale } from "../src/views/map/ramp.js";
import { clusters, color, N, places } from "./made-up-map.js";

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
