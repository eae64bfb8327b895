import { count, number } from "../../data/format.js";
import type { Histogram as Bins } from "../../protocol/generated.js";
import { useHovered } from "../shell/hover.js";

const WIDTH = 160;
const HEIGHT = 36;

/** How often each strength occurs, on a log scale, with the place of the hovered token. */
export function Histogram({ bins }: { bins: Bins }) {
  const activation = useHovered()?.activation;
  const heights = barHeights(bins.counts);
  const step = WIDTH / Math.max(1, bins.counts.length);
  const label = `Activations of 0 to ${number(bins.high)} in ${bins.counts.length} bins, log scale`;
  const mark = activation && bins.high > 0 ? Math.min(1, activation / bins.high) * WIDTH : undefined;
  return (
    <figure class="ss-histogram">
      <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {heights.map((height, i) => (
          <rect
            key={i}
            x={i * step}
            y={HEIGHT - height * HEIGHT}
            width={Math.max(1, step - 1)}
            height={height * HEIGHT}
          >
            <title>{`${binRange(bins, i)}: ${count(bins.counts[i] ?? 0)} tokens`}</title>
          </rect>
        ))}
        {mark !== undefined && <line x1={mark} x2={mark} y1={0} y2={HEIGHT} />}
      </svg>
      <figcaption title="How many tokens have each activation, on a log scale.">
        <span>0</span>
        <span>{number(bins.high)}</span>
      </figcaption>
    </figure>
  );
}

function binRange({ high, counts }: Bins, i: number): string {
  return `${number((i * high) / counts.length)} to ${number(((i + 1) * high) / counts.length)}`;
}

/** Heights of 0 to 1 on a log scale; what is not empty stays visible. */
export function barHeights(counts: readonly number[]): number[] {
  const top = Math.log1p(Math.max(1, ...counts));
  return counts.map((n) => (n > 0 ? Math.max(0.06, Math.log1p(n) / top) : 0));
}
