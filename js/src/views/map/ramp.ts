import type { MapColor } from "../../protocol/generated.js";
import type { MapCodes, MapStyle, Rgba } from "./plot/types.js";

type Rgb = readonly [number, number, number];

/** Viridis, by its creators N. Smith and S. van der Walt: even in lightness, and for the color-blind too. */
const VIRIDIS = [
  "440154",
  "472d7b",
  "3b528b",
  "2c728e",
  "21918c",
  "28ae80",
  "5ec962",
  "addc30",
  "fde725",
].map(rgb);
/** The part of it that stands out from a light and from a dark ground; what is more stands out more. */
const SPAN = { light: [0.72, 0], dark: [0.25, 1] } as const;
/** Okabe and Ito's colors with Tol's, those that read on a light and those that read on a dark ground. */
const CATEGORIES = {
  light: [
    "0072b2",
    "d55e00",
    "009e73",
    "aa4499",
    "b07d00",
    "332288",
    "56b4e9",
    "882255",
    "44801f",
    "cc6677",
    "117a86",
    "6b5b4b",
  ].map(rgb),
  dark: [
    "56b4e9",
    "e69f00",
    "2fc89b",
    "cc79a7",
    "f0e442",
    "ee7733",
    "88ccee",
    "ddaacc",
    "99c945",
    "ff9999",
    "44bbaa",
    "c0b0a0",
  ].map(rgb),
};
const STATUS = [undefined, 1, 0, 3];
const LAST = 254;
const NONE = 255;

export type Ground = "light" | "dark";

/** A color of the sequential scale, from 0 to 1, as CSS. */
export function rampCss(t: number, ground: Ground): string {
  return css(ramp(t, ground));
}

/** The color of a category, as CSS; of a status without one nothing. */
export function categoryCss(code: number, color: string, ground: Ground): string | undefined {
  const at = color === "status" ? STATUS[code] : code;
  const found = at === undefined ? undefined : CATEGORIES[ground][at % CATEGORIES[ground].length];
  return found && css(found);
}

/** Where on its scale a value stands, from 0 to 1. */
export function onScale(value: number, { low, high, is_log }: MapColor): number {
  const of = (x: number) => (is_log ? Math.log(Math.max(x, 1e-12)) : x);
  const span = of(high) - of(low);
  return span > 0 ? Math.max(0, Math.min(1, (of(value) - of(low)) / span)) : 0.5;
}

/** Each feature's value as a place in the palette. */
export function codesOf(values: Float32Array, color: MapColor): MapCodes {
  const codes = new Uint8Array(values.length);
  const isCategory = color.categories.length > 0;
  const nCategories = CATEGORIES.light.length;
  values.forEach((value, i) => {
    if (Number.isNaN(value)) codes[i] = NONE;
    else codes[i] = isCategory ? value % nCategories : Math.round(onScale(value, color) * LAST);
  });
  return { codes, isCategory, hasShapes: color.name === "status" };
}

/** The colors to paint with, for what they mean and the theme of an element. */
export function styleOf(element: Element, color: MapColor): { style: MapStyle; ground: Ground } {
  const ink = parsed(getComputedStyle(element).color, [0.1, 0.1, 0.1, 1]);
  const ground: Ground = ink[0] + ink[1] + ink[2] > 1.5 ? "dark" : "light";
  const grey: Rgb = ground === "dark" ? [150, 150, 150] : [130, 130, 130];
  const palette = new Uint8Array(4 * 256);
  for (let code = 0; code < 256; code++) {
    const isAmount = color.categories.length === 0;
    const at = color.name === "status" ? STATUS[code] : code;
    const list = CATEGORIES[ground];
    const of = isAmount
      ? ramp(code / LAST, ground)
      : at === undefined
        ? grey
        : (list[at % list.length] as Rgb);
    palette.set([...(code === NONE ? grey : of), 255], 4 * code);
  }
  return { style: { palette, ring: ink, shade: ink }, ground };
}

function ramp(t: number, ground: Ground): Rgb {
  const [from, to] = SPAN[ground];
  const at = (from + (to - from) * Math.max(0, Math.min(1, t))) * (VIRIDIS.length - 1);
  const low = VIRIDIS[Math.floor(at)] as Rgb;
  const high = VIRIDIS[Math.min(VIRIDIS.length - 1, Math.floor(at) + 1)] as Rgb;
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * (at % 1));
  return [mix(0), mix(1), mix(2)];
}

function rgb(hex: string): Rgb {
  const n = Number.parseInt(hex, 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

function css([r, g, b]: Rgb): string {
  return `rgb(${r}, ${g}, ${b})`;
}

function parsed(text: string, otherwise: Rgba): Rgba {
  const found = text.match(/[\d.]+/g)?.map(Number);
  if (!found || found.length < 3) return otherwise;
  const unit = text.startsWith("color(") ? 1 : 255;
  const [r = 0, g = 0, b = 0, a = 1] = found;
  return [r / unit, g / unit, b / unit, a];
}
