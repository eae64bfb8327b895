import type { MapCluster } from "../../protocol/generated.js";
import type { Chart, Point } from "./plot/types.js";

/** A text at a place of the plane. */
export interface Name {
  text: string;
  x: number;
  y: number;
  kind: "cluster" | "feature";
}

const LINE_PX = 18;
const LETTER_PX = { cluster: 6.9, feature: 6.3 };
const BESIDE_PX = 13;
const RING_PX = 11;
/** The zoom buttons, in the upper right corner. */
const BUTTONS_PX = [34, 84] as const;
const MOST = 60;
const LONGEST = 34;
/** From which zoom on the clusters of the next level are named. */
const FINER = [1.9, 6];

/** The names of clusters for a zoom, the largest first. */
export function clusterNames(clusters: readonly MapCluster[], zoom: number): Name[] {
  const finest = Math.max(0, ...clusters.map((c) => c.level));
  const level = Math.min(finest, FINER.filter((at) => zoom >= at).length);
  return clusters
    .filter((c) => c.level === level && c.name !== "")
    .sort((a, b) => b.n - a.n)
    .map(({ x, y, name }) => ({ x, y, text: name, kind: "cluster" }));
}

/** Those names that have room, the first before the later; none on the ring of the open feature. */
export function fitting(
  names: readonly Name[],
  size: Point,
  screenOf: (x: number, y: number) => Point,
  ring?: Point,
): Name[] {
  const taken: [number, number, number, number][] = [[size[0] - BUTTONS_PX[0], 0, size[0], BUTTONS_PX[1]]];
  if (ring) taken.push([ring[0] - RING_PX, ring[1] - RING_PX, ring[0] + RING_PX, ring[1] + RING_PX]);
  const found: Name[] = [];
  for (const name of names) {
    if (found.length >= MOST) break;
    const [x, y] = screenOf(name.x, name.y);
    const width = Math.min(name.text.length, LONGEST) * LETTER_PX[name.kind] + 6;
    const left = name.kind === "cluster" ? x - width / 2 : x + BESIDE_PX - 2;
    const box: [number, number, number, number] = [left, y - LINE_PX / 2, left + width, y + LINE_PX / 2];
    if (box[0] < 0 || box[1] < 0 || box[2] > size[0] || box[3] > size[1]) continue;
    if (taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
    taken.push(box);
    found.push(name);
  }
  return found;
}

/** The texts over a map: made anew when it comes to rest, and moved along with it. */
export class NameLayer {
  readonly #host: HTMLElement;
  #shown: [Name, HTMLElement][] = [];

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  show(names: readonly Name[], chart: Chart): void {
    const nodes = names.map((name): [Name, HTMLElement] => {
      const node = document.createElement("span");
      node.className = `ss-map-name ss-map-${name.kind}`;
      node.textContent = name.text.length > LONGEST ? `${name.text.slice(0, LONGEST - 1)}…` : name.text;
      return [name, node];
    });
    this.#host.replaceChildren(...nodes.map(([, node]) => node));
    this.#shown = nodes;
    this.move(chart);
  }

  move(chart: Chart): void {
    const [width, height] = chart.size;
    for (const [{ x, y, kind }, node] of this.#shown) {
      const [left, top] = chart.screenOf(x, y);
      const isIn = left > -200 && left < width + 200 && top > -20 && top < height + 20;
      node.style.visibility = isIn ? "" : "hidden";
      const beside = kind === "cluster" ? "-50%" : `${BESIDE_PX}px`;
      if (isIn) node.style.transform = `translate(${left}px, ${top}px) translate(${beside}, -50%)`;
    }
  }
}
