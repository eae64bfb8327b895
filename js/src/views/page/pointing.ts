import { type Piece, rangeOf, tokenOf } from "./pieces.js";

/** What has a place in the page: an element, or a part of a text. */
export type Placed = Pick<Element, "getBoundingClientRect">;

interface Caret {
  node: Node;
  offset: number;
}

/** The token that an event came from; in a piece of several, the one under the pointer. */
export function tokenAt(event: MouseEvent, texts: readonly string[]): number | undefined {
  const node = event.target instanceof Element ? event.target.closest("[data-i]") : null;
  if (!node) return undefined;
  const piece = pieceOf(node);
  if (piece.end - piece.start === 1) return piece.start;
  const caret = caretAt(node, event);
  if (!caret || caret.node !== node.firstChild) return undefined;
  // a caret stands between characters, at the nearer end of the one that is pointed at
  const isBefore = caret.offset > 0 && holds(partOf(caret.node, caret.offset - 1, caret.offset), event);
  return tokenOf(texts, piece, isBefore ? caret.offset - 1 : caret.offset);
}

/** Where a token stands; nothing where it is not drawn. */
export function placeOf(root: Element | null, texts: readonly string[], i: number): Placed | undefined {
  for (const node of root?.querySelectorAll("[data-i]") ?? []) {
    const piece = pieceOf(node);
    if (i < piece.start || i >= piece.end) continue;
    const text = node.firstChild;
    return piece.end - piece.start === 1 || !text ? node : partOf(text, ...rangeOf(texts, piece, i));
  }
  return undefined;
}

function pieceOf(node: Element): Piece {
  const start = Number(node.getAttribute("data-i"));
  return { start, end: Number(node.getAttribute("data-end") ?? start + 1) };
}

function partOf(text: Node, start: number, end: number): Range {
  const range = document.createRange();
  range.setStart(text, start);
  range.setEnd(text, end);
  return range;
}

function holds(part: Range, { clientX: x, clientY: y }: MouseEvent): boolean {
  return [...part.getClientRects()].some((r) => x >= r.left && x < r.right && y >= r.top && y < r.bottom);
}

function caretAt(node: Element, { clientX: x, clientY: y }: MouseEvent): Caret | undefined {
  if (document.caretPositionFromPoint) {
    const root = node.getRootNode();
    const shadowRoots = root instanceof ShadowRoot ? [root] : [];
    const found = document.caretPositionFromPoint(x, y, { shadowRoots });
    return found ? { node: found.offsetNode, offset: found.offset } : undefined;
  }
  // Safari
  const found = document.caretRangeFromPoint?.(x, y);
  return found ? { node: found.startContainer, offset: found.startOffset } : undefined;
}
