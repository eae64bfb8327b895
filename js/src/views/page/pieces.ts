import { isBytes } from "../../data/script.js";

/** Tokens that are drawn as one: `start` up to `end`. */
export interface Piece {
  start: number;
  end: number;
}

/** What decides how a token is drawn. */
export interface Look {
  texts: readonly string[];
  activations: readonly number[];
  peak: number;
  focused: number | undefined;
}

/** The tokens `from` up to `to`, with those that follow on each other and have nothing to show but their text put together. */
export function piecesOf(look: Look, from: number, to: number): Piece[] {
  const found: Piece[] = [];
  let start = from;
  const end = (i: number) => {
    if (i > start) found.push({ start, end: i });
  };
  for (let i = from; i < to; i++) {
    if (isPlain(look, i)) continue;
    end(i);
    found.push({ start: i, end: i + 1 });
    start = i + 1;
  }
  end(to);
  return found;
}

export function isPlain({ texts, activations, peak, focused }: Look, i: number): boolean {
  const text = texts[i] ?? "";
  return (
    !activations[i] && i !== peak && i !== focused && text !== "" && !/[\r\n]/.test(text) && !isBytes(text)
  );
}

/** The token of a piece that a character of its text belongs to, counted in UTF-16 units. */
export function tokenOf(texts: readonly string[], { start, end }: Piece, offset: number): number {
  let rest = offset;
  for (let i = start; i < end; i++) {
    rest -= texts[i]?.length ?? 0;
    if (rest < 0) return i;
  }
  return end - 1;
}

/** Where a token's text begins and ends in that of its piece. */
export function rangeOf(texts: readonly string[], { start }: Piece, i: number): [number, number] {
  const before = texts.slice(start, i).reduce((n, text) => n + text.length, 0);
  return [before, before + (texts[i]?.length ?? 0)];
}
