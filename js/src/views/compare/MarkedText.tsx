import { useContext, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { shade } from "../../data/shade.js";
import type { Example } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { markOf } from "./Badge.js";
import { LETTERS } from "./roles.js";

/** What another feature does on the tokens of a window. */
export interface Mark {
  place: number;
  feature: number;
  activations: number[];
}

interface Props {
  example: Example;
  place: number;
  feature: number;
  max: number;
  marks: Mark[];
}

/** A text shaded by one feature, with a line over the tokens on which another fires. Arrow keys walk on it. */
export function MarkedText(props: Props) {
  const { example, marks } = props;
  const hover = useContext(HoverContext);
  const root = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<number>();
  const point = (i: number | undefined) => {
    const node = i === undefined ? null : root.current?.querySelector(`[data-i="${i}"]`);
    hover.set(node && i !== undefined ? described(props, i, node.getBoundingClientRect()) : undefined);
  };
  const focus = (i: number | undefined) => {
    setFocused(i);
    point(i);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    focus(Math.max(0, Math.min(example.texts.length - 1, (focused ?? example.peak) + step)));
  };
  return (
    <div
      ref={root}
      class={marks.length > 0 ? `ss-text ss-marked ss-marked-${marks.length}` : "ss-text"}
      tabIndex={0}
      role="group"
      aria-label={spoken(props)}
      onKeyDown={onKeyDown}
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && focus(example.peak)}
      onBlur={() => focus(undefined)}
      onMouseOver={(e) => point(tokenAt(e.target))}
      onMouseLeave={() => point(undefined)}
    >
      {example.texts.map((_, i) => (
        <Token key={i} {...props} i={i} isFocused={i === focused} />
      ))}
    </div>
  );
}

function Token({ example, max, marks, i, isFocused }: Props & { i: number; isFocused: boolean }) {
  const whole = (example.texts[i] ?? "").replaceAll("\n", "⏎");
  const text = i === 0 ? whole.trimStart() : whole;
  const strength = shade(Math.abs(example.activations[i] ?? 0), max);
  const fires = marks.map((mark, lane) => ({ ...mark, lane })).filter((m) => m.activations[i]);
  const isPeak = i === example.peak;
  const space = strength > 0 || fires.length > 0 ? (/^ +/.exec(text)?.[0] ?? "") : "";
  let inner = <>{text.slice(space.length) || " "}</>;
  if (strength > 0)
    inner = (
      <span class={isPeak ? "ss-lit ss-peak" : "ss-lit"} style={{ "--ss-strength": strength.toFixed(3) }}>
        {inner}
      </span>
    );
  for (const { place, lane } of fires)
    inner = <span class={`ss-over ${markOf(place)} ss-lane-${lane}`}>{inner}</span>;
  return (
    <span
      class={isFocused ? "ss-token ss-focused" : "ss-token"}
      data-i={i}
      data-peak={isPeak || undefined}
      data-marks={fires.map((m) => m.feature).join(" ") || undefined}
    >
      {space}
      {inner}
    </span>
  );
}

function tokenAt(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest("[data-i]") : null;
  return node ? Number(node.getAttribute("data-i")) : undefined;
}

function described({ example, place, feature, marks }: Props, i: number, rect: DOMRect) {
  const own: [string, string] = [`${LETTERS[place]} #${feature}`, number(example.activations[i] ?? 0)];
  return {
    rect,
    title: "",
    lines: [
      own,
      ...marks.map((m): [string, string] => [
        `${LETTERS[m.place]} #${m.feature}`,
        number(m.activations[i] ?? 0),
      ]),
      ["token", `${example.raws[i] ?? ""}  ${count(example.tokens[i] ?? 0)}`],
      ["position", `${count(example.start + i)} of document ${count(example.doc)}`],
    ] as [string, string][],
  };
}

/** The text, and what each feature does on its peak. */
function spoken({ example, place, feature, marks }: Props): string {
  const at = (activations: readonly number[]) => number(activations[example.peak] ?? 0);
  const all = [{ place, feature, activations: example.activations }, ...marks];
  const told = all.map((m) => `${LETTERS[m.place]}, feature ${m.feature}: ${at(m.activations)}`).join("; ");
  return `On “${(example.texts[example.peak] ?? "").trim()}” ${told}. ${example.texts.join("")}`;
}
