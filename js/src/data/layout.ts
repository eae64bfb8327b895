/** Browsers cap the height of an element (Firefox at 17.9 million pixels): a longer table scrolls faster. */
const HIGHEST_PX = 15_000_000;
export const OVERSCAN = 4;

export interface Layout {
  /** Height of the scrolled element. */
  height: number;
  /** Rows' pixels for one pixel of scrolling. */
  scale: number;
}

export function layoutOf(n_rows: number, row_px: number, view_px: number): Layout {
  const total = n_rows * row_px;
  if (total <= HIGHEST_PX) return { height: total, scale: 1 };
  return { height: HIGHEST_PX, scale: (total - view_px) / (HIGHEST_PX - view_px) };
}

/** The rows in sight, `first` to `end`, and where row `first` stands in the view. */
export function visible(n_rows: number, row_px: number, view_px: number, top: number, { scale }: Layout) {
  const offset = Math.max(0, Math.min(top * scale, n_rows * row_px - view_px));
  const first = Math.max(0, Math.floor(offset / row_px) - OVERSCAN);
  const end = Math.min(n_rows, Math.ceil((offset + view_px) / row_px) + OVERSCAN);
  return { first, end, y: first * row_px - offset };
}

/** Where to scroll so that a row is in sight; the place now, if it is. */
export function scrollFor(row: number, row_px: number, view_px: number, top: number, layout: Layout): number {
  const { scale, height } = layout;
  const offset = top * scale;
  const start = row * row_px;
  if (start >= offset && start + row_px <= offset + view_px) return top;
  const isNear = start > offset - view_px && start < offset + 2 * view_px;
  if (!isNear) return Math.max(0, Math.min((start - view_px / 3) / scale, height - view_px));
  return (start < offset ? start : start + row_px - view_px) / scale;
}
