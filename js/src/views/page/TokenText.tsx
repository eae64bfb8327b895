import { useContext, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { directionOf, joined } from "../../data/script.js";
import type { Example } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { copyPlain, Token, tokenAt } from "./Token.js";

interface Props {
  example: Example;
  /** The feature's largest activation: the strongest shade. */
  max: number;
  /** On one line, with the peak of every example at the same place. */
  isAligned: boolean;
  hasBreaks?: boolean;
  /** A click on a token, or Enter, asks for more of it. */
  onPin?: (i: number, token: Element) => void;
}

/** An example's text, shaded by activation. Arrow keys walk from token to token. */
export function TokenText({ example, max, isAligned, hasBreaks, onPin }: Props) {
  const hover = useContext(HoverContext);
  const [focused, setFocused] = useState<number>();
  const texts = useMemo(() => joined(example.texts), [example]);
  const direction = useMemo(() => directionOf(texts), [texts]);
  const root = useRef<HTMLDivElement>(null);
  const pointed = useRef<number | undefined>(undefined);
  const nodeOf = (i: number) => root.current?.querySelector(`[data-i="${i}"]`) ?? undefined;
  const point = (i: number | undefined) => {
    pointed.current = i;
    const node = i === undefined ? undefined : nodeOf(i);
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
  const pin = (i: number) => {
    const node = nodeOf(i);
    if (node) onPin?.(i, node);
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
    const i = tokenAt(event.target);
    if (i !== undefined && document.getSelection()?.isCollapsed !== false) pin(i);
  };
  const token = (i: number) => {
    const text = texts[i] ?? "";
    return (
      <Token
        key={i}
        i={i}
        text={i === 0 ? text.replace(/^ +(?=.)/, "") : text}
        token={example.tokens[i] ?? 0}
        activation={example.activations[i] ?? 0}
        max={max}
        isPeak={i === example.peak}
        isFocused={i === focused}
        hasBreaks={hasBreaks}
      />
    );
  };
  const all = example.texts.map((_, i) => i);
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
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && focus(example.peak)}
      onBlur={() => focus(undefined)}
      onMouseOver={(e) => point(tokenAt(e.target))}
      onMouseLeave={() => point(undefined)}
      onCopy={copyPlain}
    >
      {isAligned ? (
        <>
          <span class="ss-before">
            <bdi dir={direction}>{all.slice(0, example.peak).map(token)}</bdi>
          </span>
          <span class="ss-after">{all.slice(example.peak).map(token)}</span>
        </>
      ) : (
        all.map(token)
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
