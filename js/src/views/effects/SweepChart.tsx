import { useContext, useRef } from "preact/hooks";
import { number } from "../../data/format.js";
import type { SweepPoint, SweepRead } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { useSize } from "../shell/useSize.js";
import { change } from "./signed.js";
import { type Axis, controlOf, figureOf, strengthText } from "./strength.js";

const LEFT = 48;
const RIGHT = 58;
const TOP = 20;
const BOTTOM = 34;
const LEAST_HEIGHT = 120;
const LABEL = 13;

interface Props {
  sweep: SweepRead;
  axis: Axis;
  unit: string;
  /** The strength that is pointed at, by its place. */
  at: number | undefined;
  point: (at: number | undefined) => void;
}

/** A line of the effect against strength. Arrow keys walk from strength to strength. */
export function SweepChart({ sweep, axis, unit, at, point }: Props) {
  const hover = useContext(HoverContext);
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box, { width: 480, height: 220 });
  const [width, height] = [size.width, Math.max(LEAST_HEIGHT, size.height)];
  const { strengths, points, natural, current } = sweep;
  const scale = scalesOf(sweep, axis, width, height);
  const { x, y } = scale;
  const [low, high, q50, q99] = natural ?? [];
  const walk = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
    const end = { Home: 0, End: strengths.length - 1 }[event.key];
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const from = at ?? strengths.indexOf(current);
    point(end ?? Math.max(0, Math.min(strengths.length - 1, from + (step ?? 0))));
  };
  const follow = (event: MouseEvent) => {
    const own = box.current?.getBoundingClientRect();
    if (!own) return;
    const place = nearest(strengths, scale.strengthAt(event.clientX - own.left));
    point(place);
    const found = points.find((p) => p.place === place);
    if (!found) return hover.set(undefined);
    const rect = new DOMRect(
      own.left + x(strengths[place] ?? 0),
      own.top + y(figureOf(found, axis) ?? 0),
      0,
      0,
    );
    hover.set({ rect, title: "", lines: linesOf(sweep, found, axis, unit) });
  };
  const leave = () => {
    point(undefined);
    hover.set(undefined);
  };
  const shown = at === undefined ? undefined : points.find((p) => p.place === at);
  const strength = strengths[at ?? strengths.indexOf(current)] ?? 0;
  const read = shown ?? points.find((p) => strengths[p.place] === current);
  return (
    <div
      ref={box}
      class="ss-eff-chart"
      role="slider"
      tabIndex={0}
      aria-label="Strength, to read the effect at"
      aria-valuemin={strengths[0]}
      aria-valuemax={strengths.at(-1)}
      aria-valuenow={strength}
      aria-valuetext={`${strengthText(sweep, strength)}: ${read ? `${change(figureOf(read, axis))} ${unit}` : "not known yet"}`}
      onKeyDown={walk}
      onBlur={leave}
      onMouseMove={follow}
      onMouseLeave={leave}
    >
      <svg width={width} height={height} aria-hidden="true">
        {low !== undefined && high !== undefined && (
          <g class="ss-eff-natural">
            <rect x={x(low)} width={x(high) - x(low)} y={TOP} height={height - TOP - BOTTOM} />
            <text x={(x(low) + x(high)) / 2} y={TOP - 6} text-anchor="middle">
              natural range
            </text>
            {[q50, q99].map(
              (q, i) =>
                q !== undefined && (
                  <line key={i} x1={x(q)} x2={x(q)} y1={height - BOTTOM - 8} y2={height - BOTTOM}>
                    <title>{i === 0 ? "median where it fires" : "99 % quantile where it fires"}</title>
                  </line>
                ),
            )}
          </g>
        )}
        {scale.ticks.map((value) => (
          <g key={value} class="ss-eff-grid">
            <line
              x1={LEFT}
              x2={width - RIGHT}
              y1={y(value)}
              y2={y(value)}
              data-zero={value === 0 || undefined}
            />
            <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
              {axis === "kl" ? number(value) : change(value)}
            </text>
          </g>
        ))}
        {scale.marks.map(([value, label]) => (
          <text key={label} class="ss-eff-tick" x={x(value)} y={height - BOTTOM + 14} text-anchor="middle">
            {label}
          </text>
        ))}
        <text class="ss-eff-tick" x={(LEFT + width - RIGHT) / 2} y={height - 4} text-anchor="middle">
          strength{natural ? ", times its largest in the index" : ", in units of activation"}
        </text>
        <g class="ss-eff-now">
          <line x1={x(current)} x2={x(current)} y1={TOP} y2={height - BOTTOM} />
          <text x={x(current) + 4} y={height - BOTTOM - 12}>
            as it is
          </text>
        </g>
        <path
          class="ss-eff-curve ss-eff-curve-control"
          d={pathOf(points, (p) => controlOf(p, axis), strengths, scale)}
        />
        <path class="ss-eff-curve" d={pathOf(points, (p) => figureOf(p, axis), strengths, scale)} />
        <EndLabels points={points} axis={axis} width={width} y={y} />
        {points.map((p) => (
          <circle
            key={p.place}
            class={p.place === at ? "ss-eff-point ss-eff-point-at" : "ss-eff-point"}
            cx={x(strengths[p.place] ?? 0)}
            cy={y(figureOf(p, axis) ?? 0)}
            r={p.place === at ? 5 : 2.5}
          />
        ))}
      </svg>
    </div>
  );
}

interface EndProps {
  points: readonly SweepPoint[];
  axis: Axis;
  width: number;
  y: (value: number) => number;
}

/** What each line is, at its end; kept apart where the lines meet. */
function EndLabels({ points, axis, width, y }: EndProps) {
  const last = points.at(-1);
  const own = last && figureOf(last, axis);
  if (!last || own === null || own === undefined) return null;
  const beside = controlOf(last, axis);
  const at = y(own);
  const under = beside === null ? undefined : y(beside);
  const isClose = under !== undefined && Math.abs(under - at) < LABEL;
  const shift = isClose && under !== undefined ? (under >= at ? 1 : -1) * (LABEL - Math.abs(under - at)) : 0;
  return (
    <g class="ss-eff-ends">
      <text x={width - RIGHT + 6} y={at + 4}>
        feature
      </text>
      {under !== undefined && (
        <text x={width - RIGHT + 6} y={under + shift + 4}>
          control
        </text>
      )}
    </g>
  );
}

interface Scales {
  x: (strength: number) => number;
  y: (value: number) => number;
  strengthAt: (px: number) => number;
  ticks: number[];
  marks: [number, string][];
}

function scalesOf(
  { strengths, points, natural }: SweepRead,
  axis: Axis,
  width: number,
  height: number,
): Scales {
  const [first, last] = [strengths[0] ?? 0, strengths.at(-1) ?? 1];
  const values = points.flatMap((p) => [figureOf(p, axis) ?? 0, controlOf(p, axis) ?? 0]);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const span = Math.max(high - low, 1e-6);
  const [bottom, top] = [low - 0.04 * span, high + 0.04 * span];
  const wide = Math.max(last - first, 1e-9);
  const inner = Math.max(1, width - LEFT - RIGHT);
  const unit = natural?.[1] ?? 0;
  const marks: [number, string][] = unit
    ? Array.from({ length: 9 }, (_, i) => (i - 4) * unit)
        .filter((s) => s >= first - 1e-6 && s <= last + 1e-6)
        .map((s) => [
          s,
          change(s / unit)
            .replace("+", "")
            .replace(/\.0+$/, ""),
        ])
    : [first, (first + last) / 2, last].map((s) => [s, number(s)]);
  return {
    x: (s) => LEFT + ((s - first) / wide) * inner,
    y: (v) => TOP + ((top - v) / (top - bottom)) * (height - TOP - BOTTOM),
    strengthAt: (px) => first + ((px - LEFT) / inner) * wide,
    ticks: roundTicks(low, high),
    marks,
  };
}

/** At most five round values in a range that holds 0. */
export function roundTicks(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [0];
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  const found: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i++)
    found.push(i === 0 ? 0 : i * step);
  return found;
}

function pathOf(
  points: readonly SweepPoint[],
  of: (point: SweepPoint) => number | null,
  strengths: readonly number[],
  { x, y }: Scales,
): string {
  return points
    .map((point) => [strengths[point.place] ?? 0, of(point)] as const)
    .filter((pair): pair is readonly [number, number] => pair[1] !== null)
    .map(([s, v], i) => `${i === 0 ? "M" : "L"}${x(s).toFixed(1)} ${y(v).toFixed(1)}`)
    .join("");
}

function nearest(strengths: readonly number[], wanted: number): number {
  let found = 0;
  for (const [i, s] of strengths.entries())
    if (Math.abs(s - wanted) < Math.abs((strengths[found] ?? 0) - wanted)) found = i;
  return found;
}

function linesOf(sweep: SweepRead, point: SweepPoint, axis: Axis, unit: string): [string, string][] {
  const beside = controlOf(point, axis);
  return [
    ["strength", strengthText(sweep, sweep.strengths[point.place] ?? 0).replace("strength ", "")],
    ["effect", `${change(figureOf(point, axis))} ${unit}`],
    ...(beside === null ? [] : ([["control", `${change(beside)} ${unit}`]] as [string, string][])),
  ];
}
