import { expect, test } from "vitest";
import { count, density, duration, number, percent, signed, tokens } from "../src/data/format.js";
import { layoutOf, scrollFor, visible } from "../src/data/layout.js";
import { barHeights } from "../src/views/page/Histogram.js";
import { parseFeature } from "../src/views/page/NumberBox.js";
import { lineState } from "../src/views/shell/Header.js";

test.each([
  [53.914, "53.9"],
  [0, "0"],
  [7.4249, "7.42"],
  [-2.564, "−2.56"],
  [1234.6, "1,235"],
  [0.00412, "0.00412"],
  [9.999, "10.0"],
  [Number.NaN, "–"],
])("%f has three significant digits: %s", (x, text) => expect(number(x)).toBe(text));

test.each([
  [0.0038, "0.38\u2009%"],
  [0.2, "20.0\u2009%"],
  [0.00001, "0.001\u2009%"],
  [0.000002, "1 in 500,000"],
  [0, "never"],
])("a density of %f reads %s", (share, text) => expect(density(share)).toBe(text));

test("counts have separators, large ones a word", () => {
  expect(count(4096)).toBe("4,096");
  expect(tokens(298_941)).toBe("299,000");
  expect(tokens(2_040_000)).toBe("2.0\u2009M");
  expect(signed(0.21)).toBe("+0.210");
});

test.each([
  [0, "1 s"],
  [41.6, "42 s"],
  [59.5, "1 min"],
  [150, "3 min"],
  [3569, "59 min"],
  [3599, "1 h"],
  [4800, "1 h 20 min"],
  [45_000, "13 h"],
  [Number.POSITIVE_INFINITY, "–"],
  [-1, "–"],
])("%f seconds read %s", (seconds, text) => expect(duration(seconds).replaceAll("\u2009", " ")).toBe(text));

test("only the whole is 100 per cent", () => {
  expect(percent(9999, 10_000)).toBe(99);
  expect(percent(12, 10)).toBe(100);
  expect(percent(1, 0)).toBe(0);
});

test.each([
  ["12", 12],
  [" #4,095 ", 4095],
  ["4096", undefined],
  ["-1", undefined],
  ["x", undefined],
  ["", undefined],
])("the feature number %j is %s", (text, feature) => expect(parseFeature(text, 4096)).toBe(feature));

test("a bar of few stays visible, a bar of none is empty", () => {
  expect(barHeights([0, 1, 1_000_000])).toEqual([0, expect.closeTo(0.06, 1), 1]);
});

test("the state of the line is a sentence", () => {
  expect(lineState({ status: "busy", nWaiting: 2, nBefore: 0 })).toBe(
    "The kernel is running a cell; 2 requests wait.",
  );
  expect(lineState({ status: "ready", nWaiting: 2, nBefore: 0 })).toBe("");
  expect(lineState({ status: "ready", nWaiting: 2, nBefore: 3 })).toBe(
    "Waits for its turn with the model: 3 before it.",
  );
});

test.each([100, 4096, 1_000_000, 20_000_000])("of %i rows each can be scrolled to", (n) => {
  const layout = layoutOf(n, 26, 600);
  expect(layout.height).toBeLessThan(17_000_000);
  for (const row of [0, 1, Math.floor(n / 2), n - 2, n - 1]) {
    const top = scrollFor(row, 26, 600, 0, layout);
    const { first, end, y } = visible(n, 26, 600, top, layout);
    const place = y + (row - first) * 26;
    expect(row >= first && row < end).toBe(true);
    expect(place).toBeGreaterThanOrEqual(-0.5);
    expect(place).toBeLessThanOrEqual(600 - 26 + 0.5);
    expect(top).toBeLessThanOrEqual(layout.height - Math.min(600, layout.height) + 0.5);
  }
});
