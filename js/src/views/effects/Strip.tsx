import { useContext, useRef } from "preact/hooks";
import { number } from "../../data/format.js";
import type { EffectMean, ExampleChange } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { useSize } from "../shell/useSize.js";
import { change, visible } from "./signed.js";
import type { Quantity } from "./state.js";
import type { Series } from "./useSeries.js";

const LANE = 40;
const AXIS = 18;
const PAD = 12;
const NAMES = { feature: "feature", control: "control" } as const;

/** Where a number stands on a square-root scale between `-top` or 0 and `top`, 0 to 1. */
export function rootPlace(x: number, top: number, isSigned: boolean): number {
  const root = top > 0 ? Math.sign(x) * Math.sqrt(Math.min(1, Math.abs(x) / top)) : 0;
  return isSigned ? (1 + root) / 2 : Math.max(0, root);
}

interface Props {
  series: Series;
  quantity: Quantity;
}

/** Each example's effect as a dot, over those of its controls; means with intervals. */
export function Strip({ series, quantity }: Props) {
  const hover = useContext(HoverContext);
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box, { width: 400, height: LANE });
  const { examples, summary } = series;
  const isSigned = quantity.startsWith("delta");
  const of = {
    feature: examples.map((e) => e[quantity]),
    control: examples.map((e) => e[`control_${quantity}`]),
  };
  const top = Math.max(1e-6, ...[...of.feature, ...of.control].map((v) => Math.abs(v ?? 0)));
  const x = (value: number) => PAD + rootPlace(value, top, isSigned) * (width - 2 * PAD - 52) + 52;
  const said = summary
    .filter((m) => m.quantity === quantity)
    .map((m) => `${m.of} ${change(m.mean)}`)
    .join(", ");
  const marks = isSigned ? [-top, -top / 4, 0, top / 4, top] : [0, top / 16, top / 4, top];
  return (
    <div ref={box} class="ss-eff-strip">
      <svg
        width={width}
        height={2 * LANE + AXIS}
        role="img"
        aria-label={`${examples.length} examples as dots on a square-root scale. Means: ${said || "at the end"}.`}
      >
        {(["feature", "control"] as const).map((who, lane) => (
          <g key={who} transform={`translate(0 ${lane * LANE})`}>
            <text class="ss-eff-lane" x={0} y={LANE / 2 + 4}>
              {NAMES[who]}
            </text>
            <line class="ss-eff-base" x1={52 + PAD} x2={width - PAD} y1={LANE / 2} y2={LANE / 2} />
            {of[who].map((value, i) => {
              const example = examples[i];
              if (value === null || !example) return null;
              const y = LANE / 2 + (((i * 7) % 5) - 2) * 4;
              return (
                <circle
                  key={example.row}
                  class={`ss-eff-dot ${who === "control" ? "" : value < 0 ? "ss-fall" : "ss-rise"}`}
                  cx={x(value)}
                  cy={y}
                  r={3.5}
                  onMouseEnter={(e) => hover.set(described(example, value, e.currentTarget))}
                  onMouseLeave={() => hover.set(undefined)}
                />
              );
            })}
            <Mean mean={summary.find((m) => m.quantity === quantity && m.of === who)} x={x} />
          </g>
        ))}
        <line class="ss-eff-zero" x1={x(0)} x2={x(0)} y1={0} y2={2 * LANE} />
        {marks.map((value, i) => (
          <text
            key={value}
            class="ss-eff-tick"
            x={x(value)}
            y={2 * LANE + AXIS - 4}
            text-anchor={i === marks.length - 1 ? "end" : i === 0 && isSigned ? "start" : "middle"}
          >
            {isSigned ? change(value) : number(value)}
          </text>
        ))}
      </svg>
    </div>
  );
}

function Mean({ mean, x }: { mean: EffectMean | undefined; x: (value: number) => number }) {
  if (mean?.mean == null) return null;
  return (
    <g class="ss-eff-mean">
      {mean.low !== null && mean.high !== null && (
        <line x1={x(mean.low)} x2={x(mean.high)} y1={LANE / 2} y2={LANE / 2} />
      )}
      <line x1={x(mean.mean)} x2={x(mean.mean)} y1={6} y2={LANE - 6} />
    </g>
  );
}

function described(example: ExampleChange, value: number, node: Element) {
  const { texts, peak, next_text } = example;
  const lines: [string, string][] = [
    ["effect", `${change(value)} nats`],
    ["peak", visible(texts[peak] ?? "")],
    ["next", next_text === null ? "end of the document" : visible(next_text)],
    ["activation", number(example.activation)],
  ];
  return { rect: node.getBoundingClientRect(), title: "", lines };
}
