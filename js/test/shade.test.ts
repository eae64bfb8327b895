import { expect, test } from "vitest";
import { blend, contrast, HUE, type Rgb, STRONGEST, shade } from "../src/data/shade.js";
import css from "../src/views/style.generated.js";

/** JupyterLab's page color under the tokens, and their text color, by theme. */
const THEMES: Record<string, { back: Rgb; text: Rgb; alpha: number }> = {
  light: { back: [255, 255, 255], text: [0, 0, 0], alpha: 0.87 },
  dark: { back: [17, 17, 17], text: [255, 255, 255], alpha: 1 },
  "dark side bar": { back: [33, 33, 33], text: [255, 255, 255], alpha: 1 },
};

test.each(Object.entries(THEMES))(
  "text on every shade has a contrast of 4.5 in the %s theme",
  (_name, theme) => {
    for (let step = 0; step <= 20; step++) {
      const back = blend(HUE, theme.back, (step / 20) * STRONGEST);
      expect(contrast(blend(theme.text, back, theme.alpha), back)).toBeGreaterThanOrEqual(4.5);
    }
  },
);

test("contrast is WCAG's", () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21);
  expect(contrast([118, 118, 118], [255, 255, 255])).toBeCloseTo(4.54, 1);
});

test("the style sheet paints with the hue and the strength that are tested here", () => {
  const flat = css.replaceAll(" ", "");
  expect(flat).toContain(`--ss-hue:rgb(${HUE.join(",")})`);
  expect(flat).toContain(`--ss-most:${STRONGEST * 100}%`);
});

test("shading is a square root up to the maximum", () => {
  expect([
    shade(25, 100),
    shade(100, 100),
    shade(200, 100),
    shade(0, 100),
    shade(1, 0),
    shade(-1, 4),
  ]).toEqual([0.5, 1, 1, 0, 0, 0]);
});
