import { useEffect, useState } from "preact/hooks";
import { number } from "../../data/format.js";
import type { SteerFeature } from "../../protocol/generated.js";
import { hasUnit, type Kind } from "./state.js";

interface Props {
  kind: Kind;
  value: number;
  set: (value: number) => void;
  label: string;
  range: SteerFeature | undefined;
}

const ENDS: Record<Kind, readonly [number, number]> = {
  amplify: [-3, 3],
  clamp: [-1, 3],
  scale: [-1, 5],
  zero: [0, 0],
};
const WITHOUT_UNIT: readonly [number, number] = [-60, 60];

/** How strongly a feature is steered: a slider with the natural range behind it, and a number that may go beyond. */
export function Strength({ kind, value, set, label, range }: Props) {
  const isNatural = hasUnit(kind) && range !== undefined && range.max > 0;
  const [low, high] = hasUnit(kind) && !isNatural ? WITHOUT_UNIT : ENDS[kind];
  const at = (x: number) => `${(100 * (Math.max(low, Math.min(high, x)) - low)) / (high - low)}%`;
  const unit = isNatural ? "× max" : kind === "scale" ? "×" : "";
  const natural = isNatural && {
    "--ss-from": at(0),
    "--ss-to": at(1),
    "--ss-mid": at(range.median / range.max),
  };
  const title = isNatural
    ? `Fires up to ${number(range.max)}, half of the time above ${number(range.median)}: the shaded part`
    : undefined;
  return (
    <span class="ss-strength" title={title}>
      <span
        class={natural ? "ss-strength-slide ss-strength-natural" : "ss-strength-slide"}
        style={natural || { "--ss-mid": at(kind === "scale" ? 1 : 0) }}
      >
        <input
          type="range"
          min={low}
          max={high}
          step={high - low > 20 ? 1 : 0.1}
          value={value}
          aria-label={`${label}, slider`}
          onInput={(e) => set(Number(e.currentTarget.value))}
        />
      </span>
      <NumberField value={value} set={set} label={label} />
      <span class="ss-quiet ss-strength-unit">{unit}</span>
    </span>
  );
}

interface NumberProps {
  value: number;
  set: (value: number) => void;
  label: string;
  low?: number;
  high?: number;
  isWhole?: boolean;
  width?: number;
}

/** A field for a number; what is none is told by its looks and not taken. */
export function NumberField({ value, set, label, low, high, isWhole = false, width = 4 }: NumberProps) {
  const [text, setText] = useState(String(value));
  useEffect(() => {
    if (Number(text.replace("−", "-")) !== value || text.trim() === "") setText(String(value));
  }, [value]);
  const parsed = parse(text, low, high, isWhole);
  return (
    <input
      class="ss-field"
      inputMode="decimal"
      autocomplete="off"
      aria-label={label}
      aria-invalid={parsed === undefined}
      style={{ width: `${width + 2}ch` }}
      value={text}
      onInput={(e) => {
        setText(e.currentTarget.value);
        const next = parse(e.currentTarget.value, low, high, isWhole);
        if (next !== undefined) set(next);
      }}
      onBlur={() => setText(String(value))}
    />
  );
}

function parse(
  text: string,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
  isWhole = false,
) {
  const trimmed = text.trim().replace("−", "-").replace(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed)) return undefined;
  const value = Number(trimmed);
  if (!Number.isFinite(value) || value < low || value > high || (isWhole && !Number.isInteger(value)))
    return undefined;
  return value;
}
