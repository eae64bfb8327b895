/** The activation hue, and how much of it the strongest token gets. `style/tokens.css` uses the same. */
export const HUE: Rgb = [0, 176, 128];
export const STRONGEST = 0.62;

export type Rgb = readonly [number, number, number];

/** How strongly a token is shaded, 0 to 1: a square-root scale up to the feature's own maximum. */
export function shade(activation: number, max: number): number {
  if (!(activation > 0) || !(max > 0)) return 0;
  return Math.min(1, Math.sqrt(activation / max));
}

/** `over` painted on `under` with an opacity. */
export function blend(over: Rgb, under: Rgb, alpha: number): Rgb {
  const mix = (i: 0 | 1 | 2) => over[i] * alpha + under[i] * (1 - alpha);
  return [mix(0), mix(1), mix(2)];
}

/** WCAG 2 contrast ratio of two opaque colors. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance([r, g, b]: Rgb): number {
  const linear = (value: number) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}
