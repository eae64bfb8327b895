import { circleOrder, type Likeness } from "./order.js";

export interface Point {
  x: number;
  y: number;
}

export interface Spot extends Point {
  /** Where its label stands, and how long it may be; none where there is no room. */
  label: Label | undefined;
}

export interface Label extends Point {
  text: string;
  anchor: "start" | "middle" | "end";
}

export interface Ring {
  score: number;
  rx: number;
  ry: number;
}

export interface Star {
  center: Spot;
  spots: Spot[];
  rings: Ring[];
  /** Pairs of places in `spots`, and how alike they are. */
  lines: { from: number; to: number; cosine: number }[];
  /** The least likeness that has a line. */
  least: number;
}

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Named {
  number: string;
  name: string;
}

const INNER = 0.3;
const LABEL_PX = 96;
const LINE_PX = 13;
const DOT_PX = 5;
const MOST_OBLONG = 1.9;
const LINES_A_NODE = 1.2;
const THRESHOLDS = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const CUTS = [20, 12, 7, 0];

/**
 * Where to draw a feature and its neighbors: the feature in the middle, a neighbor farther out the lower its
 * score, and alike neighbors side by side.
 */
export function starOf(
  names: readonly Named[],
  scores: readonly number[],
  like: Likeness | undefined,
  width: number,
  height: number,
): Star {
  const n = scores.length;
  const ry = Math.max(40, height / 2 - 22);
  const rx = Math.max(40, Math.min(width / 2 - Math.min(LABEL_PX, width / 5), ry * MOST_OBLONG));
  const middle = { x: width / 2, y: height / 2 };
  const high = Math.max(...scores);
  const low = Math.min(...scores);
  const reach = (score: number) =>
    high > low ? INNER + (1 - INNER) * ((high - score) / (high - low)) : (1 + INNER) / 2;
  const angles = anglesOf(n, like && ((i, j) => like(i + 1, j + 1)));
  const points = scores.map((score, i) => {
    const [far, angle] = [reach(score), angles[i] ?? 0];
    return { x: middle.x + rx * far * Math.cos(angle), y: middle.y + ry * far * Math.sin(angle) };
  });
  const rings = ticks(low, high).map((score) => ({ score, rx: rx * reach(score), ry: ry * reach(score) }));
  const labels = placed([middle, ...points], names, rings, middle, width, height);
  const [own, ...others] = labels;
  return {
    center: { ...middle, label: own },
    spots: points.map((point, i) => ({ ...point, label: others[i] })),
    rings,
    ...linesOf(n, like),
  };
}

/** Angles at which alike neighbors stand together and others keep a distance; the nearest is at the upper right. */
function anglesOf(n: number, like: Likeness | undefined): number[] {
  const order = like ? circleOrder(n, like) : Array.from({ length: n }, (_, i) => i);
  const near = order.map((one, i) => (like ? like(one, order[(i + 1) % n] ?? one) : 0));
  const [low, high] = [Math.min(...near), Math.max(...near)];
  const gaps = near.map((x) => 1 + (high > low ? (high - x) / (high - low) : 0));
  const whole = gaps.reduce((a, b) => a + b, 0);
  const angles = new Array<number>(n).fill(0);
  let at = -Math.PI / 5;
  order.forEach((one, i) => {
    angles[one] = at;
    at += ((gaps[i] ?? 0) / whole) * 2 * Math.PI;
  });
  return angles;
}

/** One to three round numbers between two others. */
export function ticks(low: number, high: number): number[] {
  const range = high - low;
  if (!(range > 1e-9)) return [low];
  const power = 10 ** Math.floor(Math.log10(range / 2));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => range / s <= 3) ?? range;
  const first = Math.ceil(low / step - 1e-9);
  const n = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, n) }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

/** The closest pairs of neighbors, so few that they can be told apart, by a round threshold. */
function linesOf(n: number, like: Likeness | undefined): Pick<Star, "lines" | "least"> {
  const all: Star["lines"] = [];
  if (like)
    for (let from = 0; from < n; from++)
      for (let to = from + 1; to < n; to++) all.push({ from, to, cosine: like(from + 1, to + 1) });
  const above = (least: number) => all.filter(({ cosine }) => cosine >= least);
  const least = THRESHOLDS.find((t) => above(t).length <= n * LINES_A_NODE) ?? 0.95;
  return { lines: above(least), least };
}

/** Labels that overlap neither each other nor a dot: shortened, and left out, where it is tight. */
function placed(
  points: Point[],
  names: readonly Named[],
  rings: Ring[],
  middle: Point,
  width: number,
  height: number,
): (Label | undefined)[] {
  const dots = points.map(({ x, y }) => boxAt(x - DOT_PX, y, 2 * DOT_PX, 2 * DOT_PX));
  const taken = rings.map(({ ry }) => boxAt(middle.x - 14, middle.y + ry, 28, LINE_PX));
  const isFree = (box: Box, own: number) =>
    box.left >= 2 &&
    box.right <= width - 2 &&
    box.top >= 2 &&
    box.bottom <= height - 18 &&
    !taken.some((other) => overlap(box, other)) &&
    !dots.some((dot, i) => i !== own && overlap(box, dot));
  return points.map((point, own) => {
    for (const most of CUTS) {
      const text = labelOf(names[own], most);
      for (const { label, box } of places(point, text, point.x >= middle.x, own === 0))
        if (isFree(box, own)) {
          taken.push(box);
          return label;
        }
    }
    return undefined;
  });
}

/** Number and name, the name cut to so many letters. */
export function labelOf(named: Named | undefined, most: number): string {
  if (!named) return "";
  const letters = [...named.name];
  if (most === 0 || letters.length === 0) return named.number;
  const name = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : named.name;
  return `${named.number} ${name}`;
}

function places({ x, y }: Point, text: string, isRight: boolean, isCenter: boolean) {
  const wide = textWidth(text);
  const gap = DOT_PX + 4;
  const right = { label: { x: x + gap, y, text, anchor: "start" as const }, box: boxAt(x + gap, y, wide) };
  const left = {
    label: { x: x - gap, y, text, anchor: "end" as const },
    box: boxAt(x - gap - wide, y, wide),
  };
  const at = (dy: number) => ({
    label: { x, y: y + dy, text, anchor: "middle" as const },
    box: boxAt(x - wide / 2, y + dy, wide),
  });
  const aside = isRight ? [right, left] : [left, right];
  const updown = [at(LINE_PX + 2), at(-LINE_PX - 2)];
  return isCenter ? [...updown, ...aside] : [...aside, ...updown];
}

function boxAt(left: number, y: number, width: number, height = LINE_PX): Box {
  return { left, top: y - height / 2, right: left + width, bottom: y + height / 2 };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** About how wide a text is at 11 px. */
function textWidth(text: string): number {
  let wide = 0;
  for (const letter of text) wide += (letter.codePointAt(0) ?? 0) >= 0x2e80 ? 11.5 : 6.4;
  return wide;
}
