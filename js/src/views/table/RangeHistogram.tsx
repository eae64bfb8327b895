import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import { type Range, shown } from "../../data/query.js";
import type { ColumnSpread } from "../../protocol/generated.js";
import { barHeights } from "../page/Histogram.js";

const HEIGHT = 40;
const SET_AFTER_MS = 90;

interface Props {
  name: string;
  title: string;
  about: string;
  spread: ColumnSpread | undefined;
  range: Range | undefined;
  change: (range: Range | undefined) => void;
}

type Ends = [low: number, high: number];

/** How features spread over a column: drag to keep a range, double-click to let it go. */
export function RangeHistogram({ name, title, about, spread, range, change }: Props) {
  const plot = useRef<HTMLDivElement>(null);
  const [draft, setDraft] = useState<Ends>();
  const [from, setFrom] = useState<number>();
  const n = spread?.counts.length ?? 1;
  const ends: Ends = draft ?? (spread && range ? endsOf(spread, range) : [0, n]);
  const set = (next: Ends) => setDraft([clamp(Math.min(...next), n), clamp(Math.max(...next), n)]);
  const sent = useRef<Ends>(undefined);
  useEffect(() => setDraft((now) => (now === sent.current ? undefined : now)), [range]);
  useEffect(() => {
    if (!draft || !spread) return;
    const timer = setTimeout(() => {
      sent.current = draft;
      change(rangeOf(spread, draft));
    }, SET_AFTER_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  const placeOf = (event: PointerEvent) => {
    const box = plot.current?.getBoundingClientRect();
    return box && box.width > 0 ? clamp(Math.round(((event.clientX - box.left) / box.width) * n), n) : 0;
  };
  const isSet = range !== undefined || (draft !== undefined && (draft[0] > 0 || draft[1] < n));
  const now: Range = spread && draft ? (rangeOf(spread, draft) ?? [null, null]) : (range ?? [null, null]);
  const slider = (which: 0 | 1) => {
    const value = spread ? edge(spread, ends[which]) : 0;
    return (
      <div
        class="ss-handle"
        role="slider"
        tabIndex={0}
        aria-label={`${title}, ${which === 0 ? "least" : "most"}`}
        aria-valuemin={0}
        aria-valuemax={n}
        aria-valuenow={ends[which]}
        aria-valuetext={shown(name, value)}
        style={{ left: `${(ends[which] / n) * 100}%` }}
        onKeyDown={(event) => {
          const steps: Record<string, number> = {
            ArrowLeft: -1,
            ArrowDown: -1,
            ArrowRight: 1,
            ArrowUp: 1,
            PageDown: -5,
            PageUp: 5,
            Home: -n,
            End: n,
          };
          const step = steps[event.key];
          if (event.key === "Delete" || event.key === "Backspace") change(undefined);
          else if (step === undefined) return;
          else {
            const to = ends[which] + step;
            set(which === 0 ? [Math.min(to, ends[1] - 1), ends[1]] : [ends[0], Math.max(to, ends[0] + 1)]);
          }
          event.preventDefault();
          event.stopPropagation();
        }}
      />
    );
  };
  return (
    <div class="ss-range" role="group" aria-label={title}>
      <div class="ss-range-head" title={about}>
        <span>{title}</span>
        {isSet ? (
          <button
            type="button"
            class="ss-quiet-button"
            title="Clear this range."
            onClick={() => change(undefined)}
          >
            {shortRange(name, now)} ×
          </button>
        ) : (
          <span class="ss-soft">{spread ? "any" : ""}</span>
        )}
      </div>
      <div
        class="ss-plot"
        ref={plot}
        style={{ height: `${HEIGHT}px` }}
        onPointerDown={(event) => {
          if (!spread) return;
          event.preventDefault();
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = placeOf(event);
          const near = (end: number) => isSet && Math.abs(end - at) <= 1;
          setFrom(near(ends[0]) ? ends[1] : near(ends[1]) ? ends[0] : at);
        }}
        onPointerMove={(event) => {
          if (from === undefined) return;
          const at = placeOf(event);
          if (at !== from || draft) set([from, at === from ? at + 1 : at]);
        }}
        onPointerUp={() => setFrom(undefined)}
        onPointerCancel={() => setFrom(undefined)}
        onDblClick={() => change(undefined)}
      >
        {spread && <Bars spread={spread} name={name} ends={ends} />}
        {isSet && (
          <div
            class="ss-kept"
            style={{ left: `${(ends[0] / n) * 100}%`, right: `${(1 - ends[1] / n) * 100}%` }}
          />
        )}
        {spread && slider(0)}
        {spread && slider(1)}
      </div>
      <div class="ss-range-ends">
        <span>{spread && shown(name, spread.low)}</span>
        <span>{spread && shown(name, spread.high)}</span>
      </div>
    </div>
  );
}

function Bars({ spread, name, ends }: { spread: ColumnSpread; name: string; ends: Ends }) {
  const { counts, matching } = spread;
  const heights = barHeights(counts);
  const top = Math.log1p(Math.max(1, ...counts));
  const step = 100 / counts.length;
  return (
    <svg
      viewBox={`0 0 100 ${HEIGHT}`}
      preserveAspectRatio="none"
      width="100%"
      height={HEIGHT}
      aria-hidden="true"
    >
      {counts.map((all, i) => {
        const some = matching[i] ?? 0;
        const kept = some > 0 ? Math.max(0.06, Math.log1p(some) / top) : 0;
        const isIn = i >= ends[0] && i < ends[1];
        const bar = (height: number, kind: string) => (
          <rect
            class={kind}
            x={i * step}
            y={HEIGHT - height * (HEIGHT - 2)}
            width={step * 0.84}
            height={height * (HEIGHT - 2)}
          />
        );
        return (
          <g key={i}>
            <title>
              {`${shown(name, edge(spread, i))} to ${shown(name, edge(spread, i + 1))}: ${count(some)} of ${count(all)} features`}
            </title>
            <rect class="ss-spread-room" x={i * step} y={0} width={step} height={HEIGHT} />
            {bar(heights[i] ?? 0, "ss-spread-all")}
            {bar(kept, isIn ? "ss-spread-in" : "ss-spread-out")}
          </g>
        );
      })}
    </svg>
  );
}

/** A range in few signs: `≥ 3.1`, `0.1 % – 5 %`. */
function shortRange(name: string, [low, high]: Range): string {
  if (low !== null && high !== null) return `${shown(name, low)} – ${shown(name, high)}`;
  if (low !== null) return `≥ ${shown(name, low)}`;
  return high !== null ? `≤ ${shown(name, high)}` : "any";
}

function clamp(place: number, n: number): number {
  return Math.max(0, Math.min(n, place));
}

/** The value at the border before bin `i`. */
export function edge({ low, high, is_log, counts }: ColumnSpread, i: number): number {
  const share = i / counts.length;
  return is_log ? low * (high / low) ** share : low + (high - low) * share;
}

/** The borders nearest to a range. */
function endsOf(spread: ColumnSpread, [least, most]: Range): Ends {
  const { low, high, is_log, counts } = spread;
  const n = counts.length;
  const at = (value: number) => {
    if (high <= low) return 0;
    const share = is_log
      ? Math.log(Math.max(value, 1e-300) / low) / Math.log(high / low)
      : (value - low) / (high - low);
    return clamp(Math.round(share * n), n);
  };
  return [least === null ? 0 : at(least), most === null ? n : at(most)];
}

/** The range between two borders, in short numbers; none when it is the whole. */
export function rangeOf(spread: ColumnSpread, [first, last]: Ends): Range | undefined {
  const n = spread.counts.length;
  if (first <= 0 && last >= n) return undefined;
  const short = (i: number) => Number(edge(spread, i).toPrecision(3));
  return [first <= 0 ? null : short(first), last >= n ? null : short(last)];
}
