import { useContext, useLayoutEffect, useRef, useState } from "preact/hooks";
import { directionOf, isBytes, joined } from "../../data/script.js";
import { HoverContext } from "../shell/hover.js";
import { memo } from "../shell/memo.js";
import { change, signClass, strengthOf, visible } from "./signed.js";

const NEWLINE = "⏎";

/** One token and a signed number on it. */
export interface SignedToken {
  text: string;
  /** What it is shaded by; none where it is not known. */
  value: number | null;
  /** What a card says of it, beside the token. */
  lines?: readonly (readonly [string, string])[];
  /** Something was changed here. */
  isMarked?: boolean;
  /** Does not take part: drawn softly. */
  isQuiet?: boolean;
}

interface Props {
  tokens: readonly SignedToken[];
  /** What the numbers are, as a card names them: `Δ log p`. */
  quantity: string;
  unit?: string;
  /** The magnitude of the strongest shade; by default the largest there is. */
  top?: number;
  label: string;
  chosen?: number | undefined;
  /** A click on a token or Enter; of the chosen one, none. */
  choose?: (pos: number | undefined) => void;
  /** A newer answer is on its way. */
  isOld?: boolean;
}

/** A text, each token shaded by a signed number: blue and underlined falls, orange and overlined rises. */
export function SignedText({ tokens, quantity, unit = "", top, label, chosen, choose, isOld }: Props) {
  const hover = useContext(HoverContext);
  const root = useRef<HTMLDivElement>(null);
  const pointed = useRef<number | undefined>(undefined);
  const [walked, setWalked] = useState<number>();
  const most = top ?? Math.max(0, ...tokens.map(({ value }) => Math.abs(value ?? 0)));
  const texts = joined(tokens.map(({ text }) => text));
  const nodeAt = (pos: number) => root.current?.querySelector(`[data-i="${pos}"]`);
  const tell = (pos: number | undefined) => {
    const [node, token] = pos === undefined ? [] : [nodeAt(pos), tokens[pos]];
    hover.set(
      node && token && pos !== undefined
        ? { rect: node.getBoundingClientRect(), title: "", lines: linesOf(token, pos, quantity, unit) }
        : undefined,
    );
  };
  const point = (pos: number | undefined) => {
    if (pos === pointed.current) return;
    pointed.current = pos;
    tell(pos);
  };
  useLayoutEffect(() => {
    if (pointed.current !== undefined && hover.value) tell(pointed.current);
  }, [tokens]);
  useLayoutEffect(() => () => void (pointed.current !== undefined && hover.set(undefined)), []);
  const take = (pos: number | undefined) => choose?.(pos === chosen ? undefined : pos);
  const walk = (pos: number | undefined) => {
    setWalked(pos);
    point(pos);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      const from = walked ?? chosen ?? (step > 0 ? -1 : tokens.length);
      walk(Math.max(0, Math.min(tokens.length - 1, from + step)));
    } else if ((event.key === "Enter" || event.key === " ") && choose && walked !== undefined) take(walked);
    else if (event.key === "Escape" && chosen !== undefined && choose) choose(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const spoken = walked === undefined ? undefined : tokens[walked];
  return (
    <div
      ref={root}
      class={`ss-text ss-signed${choose ? " ss-signed-choice" : ""}${isOld ? " ss-old" : ""}`}
      role="group"
      aria-label={`${label}: arrow keys walk over the tokens${choose ? ", Enter chooses one" : ""}`}
      tabIndex={0}
      dir={directionOf(texts)}
      onKeyDown={onKeyDown}
      onBlur={() => walk(undefined)}
      onClick={(e) => {
        const pos = placeOf(e.target);
        if (choose && pos !== undefined && document.getSelection()?.isCollapsed !== false) take(pos);
      }}
      onMouseOver={(e) => point(placeOf(e.target))}
      onMouseLeave={() => point(undefined)}
    >
      {tokens.map(({ value, isMarked, isQuiet }, i) => (
        <Piece
          key={i}
          i={i}
          text={texts[i] ?? ""}
          sign={signClass(value)}
          strength={strengthOf(value, most)}
          isMarked={isMarked === true}
          isQuiet={isQuiet === true}
          isChosen={i === chosen}
          isWalked={i === walked}
        />
      ))}
      <span class="ss-unseen" role="status">
        {spoken &&
          `${visible(spoken.text)}: ${spoken.value === null ? "no value" : change(spoken.value)} ${unit}`}
      </span>
    </div>
  );
}

interface PieceProps {
  i: number;
  text: string;
  sign: string;
  strength: number;
  isMarked: boolean;
  isQuiet: boolean;
  isChosen: boolean;
  isWalked: boolean;
}

const Piece = memo(function Piece(props: PieceProps) {
  const { i, text: whole, sign, strength, isMarked, isQuiet, isChosen, isWalked } = props;
  const text = whole.replaceAll("\r", "").replaceAll("\n", `${NEWLINE}\n`);
  const isShaded = strength >= 0.02;
  const space = isShaded || isMarked ? (/^ +(?=[^ ])/.exec(text)?.[0] ?? "") : "";
  let kinds = "ss-signed-token";
  if (isQuiet) kinds += " ss-quiet";
  if (isChosen) kinds += " ss-chosen";
  if (isWalked) kinds += " ss-focused";
  if (isBytes(whole)) kinds += " ss-bytes";
  let shown = `ss-shade ${isShaded ? sign : ""}`;
  if (isMarked) shown += " ss-shade-changed";
  return (
    <span class={kinds} data-i={i} data-marked={isMarked || undefined}>
      {space}
      {isShaded || isMarked ? (
        <span class={shown} style={{ "--ss-strength": strength.toFixed(3) }}>
          {text.slice(space.length)}
        </span>
      ) : (
        text
      )}
    </span>
  );
});

function linesOf(token: SignedToken, pos: number, quantity: string, unit: string): [string, string][] {
  const value = token.value === null ? "not measured" : `${change(token.value)} ${unit}`.trim();
  const more = (token.lines ?? []).map(([name, text]): [string, string] => [name, text]);
  return [["token", visible(token.text)], ["position", String(pos)], [quantity, value], ...more];
}

function placeOf(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest("[data-i]") : null;
  return node ? Number(node.getAttribute("data-i")) : undefined;
}
