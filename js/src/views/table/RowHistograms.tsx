import { useLayoutEffect, useRef } from "preact/hooks";
import type { FeatureRow } from "../../data/rows.js";
import { barHeights } from "../page/Histogram.js";
import { useTheme } from "../shell/hooks.js";

const WIDTH = 64;
const HEIGHT = 16;

interface Props {
  rows: (FeatureRow | undefined)[];
  /** Where the first of them stands, and what one takes. */
  y: number;
  row_px: number;
}

/** The histograms of all rows in sight, on one canvas; drawn anew only when these are others. */
export function RowHistograms({ rows, y, row_px }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<{ rows: (FeatureRow | undefined)[]; theme: number }>(undefined);
  const theme = useTheme();
  const height = rows.length * row_px;
  useLayoutEffect(() => {
    const node = canvas.current;
    const context = node?.getContext("2d");
    if (!node || !context) return;
    const last = drawn.current;
    if (last?.theme === theme && last.rows.length === rows.length && rows.every((r, i) => r === last.rows[i]))
      return;
    drawn.current = { rows, theme };
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(WIDTH * ratio), Math.round(height * ratio)];
    if (node.width !== w || node.height !== h) Object.assign(node, { width: w, height: h });
    else context.clearRect(0, 0, node.width, node.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = getComputedStyle(node).color;
    rows.forEach((row, i) => {
      if (!row?.histogram) return;
      const bottom = i * row_px + (row_px + HEIGHT) / 2;
      const step = WIDTH / Math.max(1, row.histogram.length);
      barHeights(row.histogram).forEach((bar, j) => {
        if (bar > 0) context.fillRect(j * step, bottom - bar * HEIGHT, step - 1, bar * HEIGHT);
      });
    });
  });
  return (
    <canvas
      ref={canvas}
      class="ss-bins-canvas"
      style={{ width: `${WIDTH}px`, height: `${height}px`, transform: `translateY(${y}px)` }}
      aria-hidden="true"
    />
  );
}
