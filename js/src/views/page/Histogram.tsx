import { useMemo } from "preact/hooks";
import { count, number } from "../../data/format.js";
import type { Histogram as Bins } from "../../protocol/generated.js";
import { useHovered } from "../shell/hover.js";
import { useRange } from "./range.js";

const WIDTH = 192;
const HEIGHT = 48;

interface Props {
  bins: Bins;
  n_intervals: number;
  /** The interval whose examples are shown. */
  chosen: [number, number] | undefined;
}

/** How often each strength occurs, on a log scale, with the intervals and the place of the hovered token. */
export function Histogram({ bins, n_intervals, chosen }: Props) {
  const activation = Math.abs(useHovered()?.activation ?? 0);
  const range = useRange() ?? chosen;
  const x = (value: number) => (bins.high > 0 ? Math.min(1, value / bins.high) * WIDTH : 0);
  const bars = useMemo(() => drawBars(bins), [bins]);
  const mark = activation > 0 && bins.high > 0 ? x(activation) : undefined;
  const label = `Activations of 0 to ${number(bins.high)} in ${bins.counts.length} bins, log scale`;
  const borders = Array.from({ length: n_intervals - 1 }, (_, i) => ((i + 1) * WIDTH) / n_intervals);
  return (
    <figure class="ss-histogram">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {range && (
          <rect
            class="ss-hist-range"
            x={x(range[0])}
            width={Math.max(0, x(range[1]) - x(range[0]))}
            y={0}
            height={HEIGHT}
          />
        )}
        {borders.map((at) => (
          <line key={at} class="ss-hist-border" x1={at} x2={at} y1={0} y2={HEIGHT} />
        ))}
        {bars}
        {mark !== undefined && <line class="ss-hist-mark" x1={mark} x2={mark} y1={0} y2={HEIGHT} />}
      </svg>
      <figcaption title="How many tokens have each activation, on a log scale.">
        <span>0</span>
        <span class="ss-quiet">activation, log count</span>
        <span>{number(bins.high)}</span>
        {mark !== undefined && (
          <span
            class="ss-hist-value"
            style={{ left: `${(100 * mark) / WIDTH}%` }}
            data-side={mark > WIDTH / 2 ? "left" : "right"}
          >
            {number(activation)}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function drawBars(bins: Bins) {
  const step = WIDTH / Math.max(1, bins.counts.length);
  return barHeights(bins.counts).map((height, i) => (
    <rect
      key={i}
      class="ss-hist-bin"
      x={i * step}
      y={HEIGHT - height * HEIGHT}
      width={Math.max(1, step - 1)}
      height={height * HEIGHT}
    >
      <title>{`${binRange(bins, i)}: ${count(bins.counts[i] ?? 0)} tokens`}</title>
    </rect>
  ));
}

function binRange({ high, counts }: Bins, i: number): string {
  return `${number((i * high) / counts.length)} to ${number(((i + 1) * high) / counts.length)}`;
}

/** Heights of 0 to 1 on a log scale; what is not empty stays visible. */
export function barHeights(counts: readonly number[]): number[] {
  const top = Math.log1p(Math.max(1, ...counts));
  return counts.map((n) => (n > 0 ? Math.max(0.06, Math.log1p(n) / top) : 0));
}
