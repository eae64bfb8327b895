import { useContext, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { shade } from "../../data/shade.js";
import type { Example } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";

const NEWLINE = "⏎";

interface Props {
  example: Example;
  /** The feature's largest activation: the strongest shade. */
  max: number;
  /** On one line, with the peak of every example at the same place. */
  isAligned: boolean;
}

/** An example's text, shaded by activation. Arrow keys walk from token to token. */
export function TokenText({ example, max, isAligned }: Props) {
  const hover = useContext(HoverContext);
  const [focused, setFocused] = useState<number>();
  const root = useRef<HTMLDivElement>(null);
  const pointed = useRef<number | undefined>(undefined);
  const point = (i: number | undefined) => {
    pointed.current = i;
    const node = i === undefined ? null : root.current?.querySelector(`[data-i="${i}"]`);
    hover.set(node && i !== undefined ? described(example, i, node.getBoundingClientRect()) : undefined);
  };
  useLayoutEffect(() => {
    if (pointed.current !== undefined && hover.value) point(pointed.current);
  }, [example]);
  useLayoutEffect(() => () => void (pointed.current !== undefined && hover.set(undefined)), []);
  const focus = (i: number | undefined) => {
    setFocused(i);
    point(i);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const at = (focused ?? example.peak) + step;
    focus(Math.max(0, Math.min(example.texts.length - 1, at)));
  };
  const token = (i: number) => <Token key={i} example={example} i={i} max={max} isFocused={i === focused} />;
  const all = example.texts.map((_, i) => i);
  return (
    <div
      ref={root}
      class={isAligned ? "ss-text ss-aligned" : "ss-text"}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && focus(example.peak)}
      onBlur={() => focus(undefined)}
      onMouseOver={(e) => point(tokenAt(e.target))}
      onMouseLeave={() => point(undefined)}
      onCopy={copyPlain}
    >
      {isAligned ? (
        <>
          <span class="ss-left">
            <bdi>{all.slice(0, example.peak).map(token)}</bdi>
          </span>
          <span class="ss-right">{all.slice(example.peak).map(token)}</span>
        </>
      ) : (
        all.map(token)
      )}
    </div>
  );
}

function Token({
  example,
  i,
  max,
  isFocused,
}: {
  example: Example;
  i: number;
  max: number;
  isFocused: boolean;
}) {
  const whole = (example.texts[i] ?? "").replaceAll("\n", NEWLINE);
  const text = i === 0 ? whole.trimStart() : whole;
  const activation = example.activations[i] ?? 0;
  const strength = shade(activation, max);
  const isPeak = i === example.peak;
  const space = strength > 0 ? (/^ +/.exec(text)?.[0] ?? "") : "";
  return (
    <span
      class={isFocused ? "ss-token ss-focused" : "ss-token"}
      data-i={i}
      data-token={example.tokens[i]}
      data-peak={isPeak || undefined}
    >
      {space}
      {strength > 0 ? (
        <span class={isPeak ? "ss-lit ss-peak" : "ss-lit"} style={{ "--ss-strength": strength.toFixed(3) }}>
          {text.slice(space.length) || " "}
        </span>
      ) : (
        text
      )}
    </span>
  );
}

function tokenAt(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest("[data-i]") : null;
  return node ? Number(node.getAttribute("data-i")) : undefined;
}

function described(example: Example, i: number, rect: DOMRect) {
  const activation = example.activations[i] ?? 0;
  return {
    rect,
    title: "",
    activation,
    lines: [
      ["activation", number(activation)],
      ["token", `${example.raws[i] ?? ""}  ${count(example.tokens[i] ?? 0)}`],
      ["position", `${count(example.start + i)} of document ${count(example.doc)}`],
    ] as [string, string][],
  };
}

function copyPlain(event: ClipboardEvent): void {
  const text = document.getSelection()?.toString();
  if (!text || !event.clipboardData) return;
  event.clipboardData.setData("text/plain", text.replaceAll(NEWLINE, "\n"));
  event.preventDefault();
}
