import { useContext, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { directionOf, joined } from "../../data/script.js";
import type { Example } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { piecesOf } from "./pieces.js";
import { type Placed, placeOf, tokenAt } from "./pointing.js";
import { copyPlain, Token } from "./Token.js";

interface Props {
  example: Example;
  /** The feature's largest activation: the strongest shade. */
  max: number;
  /** On one line, with the peak of every example at the same place. */
  isAligned: boolean;
  hasBreaks?: boolean;
  /** A click on a token, or Enter, asks for more of it. */
  onPin?: (i: number, token: Placed) => void;
}

/** An example's text, shaded by activation. Arrow keys walk from token to token. */
export function TokenText({ example, max, isAligned, hasBreaks, onPin }: Props) {
  const hover = useContext(HoverContext);
  const [focused, setFocused] = useState<number>();
  const texts = useMemo(() => {
    const [first = "", ...others] = joined(example.texts);
    return [first.replace(/^ +(?=.)/, ""), ...others];
  }, [example]);
  const direction = useMemo(() => directionOf(texts), [texts]);
  const root = useRef<HTMLDivElement>(null);
  const pointed = useRef<number | undefined>(undefined);
  const point = (i: number | undefined) => {
    pointed.current = i;
    const place = i === undefined ? undefined : placeOf(root.current, texts, i);
    hover.set(place && i !== undefined ? described(example, i, place.getBoundingClientRect()) : undefined);
  };
  useLayoutEffect(() => {
    if (pointed.current !== undefined && hover.value) point(pointed.current);
  }, [example]);
  useLayoutEffect(() => () => void (pointed.current !== undefined && hover.set(undefined)), []);
  const focus = (i: number | undefined) => {
    setFocused(i);
    point(i);
  };
  const pin = (i: number) => {
    const place = placeOf(root.current, texts, i);
    if (place) onPin?.(i, place);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = focused ?? example.peak;
    const forward = direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const next = at + (event.key === forward ? 1 : -1);
      focus(Math.max(0, Math.min(example.texts.length - 1, next)));
    } else if (event.key === "Enter" && onPin) pin(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (event: MouseEvent) => {
    const i = tokenAt(event, texts);
    if (i !== undefined && document.getSelection()?.isCollapsed !== false) pin(i);
  };
  const onMouseMove = (event: MouseEvent) => {
    const i = tokenAt(event, texts);
    if (i !== pointed.current) point(i);
  };
  const { peak, activations, tokens } = example;
  const drawn = (from: number, to: number) => {
    const n = { run: 0, token: 0 };
    return piecesOf({ texts, activations, peak, focused }, from, to).map(({ start, end }) =>
      end - start > 1 ? (
        <span key={`r${n.run++}`} class="ss-token" data-i={start} data-end={end}>
          {texts.slice(start, end).join("")}
        </span>
      ) : (
        <Token
          key={`t${n.token++}`}
          i={start}
          text={texts[start] ?? ""}
          token={tokens[start] ?? 0}
          activation={activations[start] ?? 0}
          max={max}
          isPeak={start === peak}
          isFocused={start === focused}
          hasBreaks={hasBreaks}
        />
      ),
    );
  };
  return (
    <div
      ref={root}
      class={isAligned ? "ss-text ss-aligned" : "ss-text"}
      dir={direction}
      role="group"
      aria-label={`Example, ${number(example.activation)}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onClick={onPin && onClick}
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && focus(peak)}
      onBlur={() => focus(undefined)}
      onMouseMove={onMouseMove}
      onMouseLeave={() => point(undefined)}
      onCopy={copyPlain}
    >
      {isAligned ? (
        <>
          <span class="ss-before">
            <bdi dir={direction}>{drawn(0, peak)}</bdi>
          </span>
          <span class="ss-after">{drawn(peak, texts.length)}</span>
        </>
      ) : (
        drawn(0, texts.length)
      )}
    </div>
  );
}

/** What the tooltip says of a token of an example. */
export function described(example: Example, i: number, rect: DOMRect) {
  const activation = example.activations[i] ?? 0;
  return {
    rect,
    title: "",
    activation,
    lines: [
      ["activation", number(activation)],
      ["token", `${example.raws[i] ?? ""}  ${count(example.tokens[i] ?? 0)}`],
      ["position", `${count(example.start + i)} of its context`],
      ["document", example.source ? `${count(example.doc)} · ${example.source}` : count(example.doc)],
    ] as [string, string][],
  };
}
