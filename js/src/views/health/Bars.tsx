import { useContext } from "preact/hooks";
import { count, density, number } from "../../data/format.js";
import type { HealthBins } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";

interface Props {
  title: string;
  about: string;
  bins: HealthBins;
  /** Equal steps of the logarithm, or equal steps. */
  isLog: boolean;
  /** What is counted: features, tokens. */
  unit: string;
  /** An edge as text. */
  edge: (x: number) => string;
  /** A bar of its own on the left, for those that are in no bin. */
  apart?: { label: string; n: number } | undefined;
  /** From here on bars stand out. */
  mark?: { from: number; label: string } | undefined;
}

/** A histogram with the count of each bar on hover. */
export function Bars({ title, about, bins, isLog, unit, edge, apart, mark }: Props) {
  const hover = useContext(HoverContext);
  const { counts, edges } = bins;
  const top = Math.max(1, ...counts);
  const total = counts.reduce((sum, n) => sum + n, 0) + (apart?.n ?? 0);
  const show = (node: HTMLElement, what: string, n: number) =>
    hover.set({
      rect: node.getBoundingClientRect(),
      title: "",
      lines: [
        [what, `${count(n)} ${unit}`],
        ["share", `${((100 * n) / Math.max(1, total)).toFixed(1)}\u2009%`],
      ],
    });
  const hide = () => hover.set(undefined);
  const range = (i: number) => `${edge(edges[i] ?? 0)} to ${edge(edges[i + 1] ?? 0)}`;
  const said = `${title}: ${describe(bins, edge, unit)}${apart ? `; ${apart.label}: ${count(apart.n)}` : ""}`;
  const share = mark && place(edges, mark.from, isLog);
  return (
    <figure class="ss-health-plot" title={about}>
      <figcaption>{title}</figcaption>
      <div class="ss-health-plot-area" role="img" aria-label={said} onMouseLeave={hide}>
        {apart && (
          <div class="ss-health-plot-apart" onMouseEnter={(e) => show(e.currentTarget, apart.label, apart.n)}>
            <span class="ss-health-plot-count">{count(apart.n)}</span>
            <div
              class={apart.n > top ? "ss-health-plot-fill ss-health-plot-clipped" : "ss-health-plot-fill"}
              style={{ height: `${barHeight(Math.min(apart.n, top), top)}%` }}
            />
          </div>
        )}
        <div class="ss-health-plot-all">
          {counts.map((n, i) => (
            <div key={i} class="ss-health-plot-slot" onMouseEnter={(e) => show(e.currentTarget, range(i), n)}>
              <div
                class={
                  mark && (edges[i] ?? 0) >= mark.from * 0.999
                    ? "ss-health-plot-fill ss-health-plot-marked"
                    : "ss-health-plot-fill"
                }
                style={{ height: `${barHeight(n, top)}%` }}
              />
            </div>
          ))}
          {mark && share !== undefined && share >= 0 && share < 1 && (
            <div class="ss-health-plot-line" style={{ left: `${100 * share}%` }}>
              <span>{mark.label}</span>
            </div>
          )}
        </div>
      </div>
      <div class="ss-health-plot-axis" aria-hidden="true">
        {apart && <span class="ss-health-plot-apart">{apart.label}</span>}
        <div class="ss-health-plot-ticks">
          {ticks(edges, isLog).map((x) => {
            const at = place(edges, x, isLog);
            return (
              <span key={x} class={tickClass(at)} style={{ left: `${100 * at}%` }}>
                {edge(x)}
              </span>
            );
          })}
        </div>
      </div>
    </figure>
  );
}

function barHeight(n: number, top: number): number {
  return n === 0 ? 0 : Math.max(2, (100 * n) / top);
}

function tickClass(at: number): string {
  if (at < 0.05) return "ss-health-tick ss-health-tick-first";
  return at > 0.95 ? "ss-health-tick ss-health-tick-last" : "ss-health-tick";
}

/** Where a value stands between the first edge, 0, and the last, 1. */
export function place(edges: readonly number[], x: number, isLog: boolean): number {
  const [low, high] = [edges[0] ?? 0, edges.at(-1) ?? 1];
  const on = (v: number) => (isLog ? Math.log10(v) : v);
  return high > low ? (on(x) - on(low)) / (on(high) - on(low)) : 0;
}

/** At most five round values between the edges. */
export function ticks(edges: readonly number[], isLog: boolean): number[] {
  const [low, high] = [edges[0], edges.at(-1)];
  if (low === undefined || high === undefined || high <= low) return [];
  if (!isLog) return [low, (low + high) / 2, high].map((x) => Math.round(x));
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (to - from < 1) return [low, Math.sqrt(low * high), high];
  const step = Math.max(1, Math.ceil((to - from) / 4));
  const found: number[] = [];
  for (let e = to; e >= from; e -= step) found.unshift(10 ** e);
  return found;
}

function describe({ counts, edges }: HealthBins, edge: (x: number) => string, unit: string): string {
  if (counts.length === 0) return `no ${unit}`;
  const fullest = counts.indexOf(Math.max(...counts));
  const all = counts.reduce((sum, n) => sum + n, 0);
  return `${count(all)} ${unit} from ${edge(edges[0] ?? 0)} to ${edge(edges.at(-1) ?? 0)}, most between ${edge(edges[fullest] ?? 0)} and ${edge(edges[fullest + 1] ?? 0)}`;
}

export const asDensity = (x: number): string => (x >= 1 ? "100\u2009%" : shortDensity(x));
export const asNumber = (x: number): string => number(x).replace(/\.0+$/, "");

function shortDensity(x: number): string {
  const percent = 100 * x;
  const digits = Math.max(0, -Math.floor(Math.log10(percent) + 1e-9));
  return Math.abs(Math.log10(percent) % 1) < 1e-9 ? `${percent.toFixed(digits)}\u2009%` : density(x);
}
