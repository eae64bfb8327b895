import { useLayoutEffect, useRef } from "preact/hooks";
import type { FeatureRow } from "../../data/rows.js";
import { barHeights } from "../page/Histogram.js";
import { useTheme } from "../shell/hooks.js";
import { ROW_PX } from "./FeatureTable.js";

const WIDTH = 64;
const HEIGHT = 16;

interface Props {
  rows: (FeatureRow | undefined)[];
  y: number;
  height: number;
}

/** The histograms of all rows in sight, on one canvas. */
export function RowHistograms({ rows, y, height }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useTheme();
  useLayoutEffect(() => {
    const node = canvas.current;
    const context = node?.getContext("2d");
    if (!node || !context) return;
    const ratio = window.devicePixelRatio || 1;
    node.width = WIDTH * ratio;
    node.height = height * ratio;
    context.scale(ratio, ratio);
    context.fillStyle = getComputedStyle(node).color;
    rows.forEach((row, i) => {
      if (!row) return;
      const bottom = y + i * ROW_PX + (ROW_PX + HEIGHT) / 2;
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
      style={{ width: `${WIDTH}px`, height: `${height}px` }}
      aria-hidden="true"
    />
  );
}
