import { expect, test } from "vitest";
import { piecesOf, rangeOf, tokenOf } from "../src/views/page/pieces.js";

const texts = ["The", " king", " of", "\n", " the", " ‹E2 80›", "", " islands", " said"];
const activations = [0, 3, 0, 0, 0, 0, 0, 0, 0];
const look = { texts, activations, peak: 1, focused: undefined };

const told = (from: number, to: number, more: object = {}) =>
  piecesOf({ ...look, ...more }, from, to).map(({ start, end }) => [start, end]);

test("tokens with nothing to show but their text are one piece", () => {
  // the peak, the line break, the bytes and the empty one are drawn by themselves
  expect(told(0, 9)).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
    [5, 6],
    [6, 7],
    [7, 9],
  ]);
  expect(told(7, 9, { focused: 8 })).toEqual([
    [7, 8],
    [8, 9],
  ]);
  expect(told(4, 4)).toEqual([]);
});

test("every token is in one piece, whatever the stretch", () => {
  for (let from = 0; from < texts.length; from++)
    for (let to = from; to <= texts.length; to++) {
      const all = told(from, to).flatMap(([a = 0, b = 0]) => Array.from({ length: b - a }, (_, i) => a + i));
      expect(all).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
    }
});

test("a character of a piece belongs to the token that it came from", () => {
  const piece = { start: 7, end: 9 };
  const whole = " islands said";
  const owners = [...whole].map((_, at) => tokenOf(texts, piece, at));
  expect(owners).toEqual([..." islands"].map(() => 7).concat([..." said"].map(() => 8)));
  expect(tokenOf(texts, piece, whole.length)).toBe(8);
  expect(whole.slice(...rangeOf(texts, piece, 8))).toBe(" said");
  expect(whole.slice(...rangeOf(texts, piece, 7))).toBe(" islands");
});
