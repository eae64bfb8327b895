import type { MapCluster, MapColor } from "../src/protocol/generated.js";

export const N = 900;
const random = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
};
const next = random(7);
export const places = {
  x: Float32Array.from({ length: N }, (_, i) => (i === 4 ? Number.NaN : next() * 2 - 1)),
  y: Float32Array.from({ length: N }, (_, i) => (i === 4 ? Number.NaN : next() - 0.5)),
  fires: Uint8Array.from({ length: N }, (_, i) => Number(i % 9 !== 0)),
};

export const color = (part: Partial<MapColor> = {}): MapColor => ({
  name: "density",
  title: "density",
  is_log: true,
  low: 0.0001,
  high: 1,
  categories: [],
  ...part,
});

export const clusters: MapCluster[] = [
  { x: -0.5, y: 0, name: "ships · fleet", n: 600, level: 0 },
  { x: 0.5, y: 0, name: "would", n: 299, level: 0 },
  { x: -0.6, y: 0.1, name: "harbour", n: 100, level: 1 },
  { x: -0.6, y: 0.1, name: "", n: 80, level: 1 },
];
