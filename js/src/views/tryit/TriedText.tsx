import type { VNode } from "preact";
import { useContext, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { shade } from "../../data/shade.js";
import { HoverContext } from "../shell/hover.js";
import type { Shading, Tried } from "./tried.js";

const NEWLINE = "⏎";

export const REASONS: Record<string, string> = {
  first: "no: the first token of a context is an attention sink",
  special: "no: a special token",
  norm: "no: its activation is abnormally long",
};

interface Props {
  tried: Tried;
  shading: Shading;
  /** The feature it is shaded by. */
  feature: number | undefined;
  /** The token that was chosen, and the one under the pointer. */
  pinned: number | undefined;
  pin: (pos: number | undefined) => void;
  point: (pos: number | undefined) => void;
  isOld: boolean;
}

/** The text that was read, shaded by one feature. Arrow keys choose a token, a click too. */
export function TriedText({ tried, shading, feature, pinned, pin, point, isOld }: Props) {
  const hover = useContext(HoverContext);
  const root = useRef<HTMLDivElement>(null);
  const pointed = useRef<number | undefined>(undefined);
  const nodeAt = (pos: number) => root.current?.querySelector<HTMLElement>(`[data-i="${pos}"]`);
  const tell = (pos: number | undefined) => {
    const node = pos === undefined ? undefined : nodeAt(pos);
    hover.set(node && pos !== undefined ? described(tried, shading, pos, node) : undefined);
  };
  const over = (pos: number | undefined) => {
    if (pos === pointed.current) return;
    pointed.current = pos;
    tell(pos);
    point(pos);
  };
  useLayoutEffect(() => {
    if (pointed.current !== undefined && hover.value) tell(pointed.current);
  }, [tried, shading]);
  useLayoutEffect(() => () => void (pointed.current !== undefined && hover.set(undefined)), []);
  useLayoutEffect(() => {
    if (pinned === undefined) return;
    const node = nodeAt(pinned);
    node?.classList.add("ss-focused");
    reveal(root.current, node);
    return () => node?.classList.remove("ss-focused");
  }, [pinned, tried]);
  useLayoutEffect(() => {
    if (shading.peak !== undefined && pinned === undefined) reveal(root.current, nodeAt(shading.peak));
  }, [feature]);
  const drawn = useRef<Drawn[]>([]);
  const tokens = useMemo(() => {
    drawn.current = tried.data.texts.map((_, pos) => draw(tried, shading, pos, drawn.current[pos]));
    return drawn.current.map(({ node }) => node);
  }, [tried, shading]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && pinned !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      tell(undefined);
      return pin(undefined);
    }
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const from = pinned ?? (shading.peak === undefined ? -1 : shading.peak - step);
    const next = Math.max(0, Math.min(tried.nTokens - 1, from + step));
    pin(next);
    tell(next);
  };
  return (
    <div
      ref={root}
      class={isOld ? "ss-text ss-try-text ss-try-old" : "ss-text ss-try-text"}
      role="group"
      aria-label="The text, token by token: arrow keys choose one"
      tabIndex={0}
      dir="auto"
      onKeyDown={onKeyDown}
      onBlur={() => pointed.current === undefined && hover.set(undefined)}
      onClick={(e) => {
        const pos = tokenAt(e.target);
        if (document.getSelection()?.isCollapsed !== false) pin(pos === pinned ? undefined : pos);
      }}
      onMouseOver={(e) => over(tokenAt(e.target))}
      onMouseLeave={() => over(undefined)}
      onCopy={copyPlain}
    >
      {tokens}
    </div>
  );
}

interface Look {
  pos: number;
  text: string;
  counts: boolean;
  strength: string;
  isPeak: boolean;
}

interface Drawn {
  look: Look;
  node: VNode;
}

/** A token; the same node as before where it looks the same, so that of a long text little is drawn anew. */
function draw(tried: Tried, shading: Shading, pos: number, before: Drawn | undefined): Drawn {
  const counts = tried.counts(pos);
  const strength = counts ? shade(Math.abs(shading.activations[pos] ?? 0), shading.ceiling) : 0;
  const look: Look = {
    pos,
    text: tried.data.texts[pos] ?? "",
    counts,
    strength: strength > 0 ? strength.toFixed(3) : "",
    isPeak: pos === shading.peak,
  };
  const isSame =
    before !== undefined &&
    before.look.text === look.text &&
    before.look.counts === counts &&
    before.look.strength === look.strength &&
    before.look.isPeak === look.isPeak;
  return isSame ? before : { look, node: <Token key={pos} {...look} /> };
}

function Token({ pos, text: whole, counts, strength, isPeak }: Look) {
  const space = strength ? (/^ +/.exec(whole)?.[0] ?? "") : "";
  const text = whole.slice(space.length).replaceAll("\n", `${NEWLINE}\n`);
  return (
    <span
      class={counts ? "ss-try-token" : "ss-try-token ss-uncounted"}
      data-i={pos}
      data-peak={isPeak || undefined}
    >
      {space}
      {strength ? (
        <span class={isPeak ? "ss-lit ss-peak" : "ss-lit"} style={{ "--ss-strength": strength }}>
          {text || " "}
        </span>
      ) : (
        text
      )}
    </span>
  );
}

function described(tried: Tried, shading: Shading, pos: number, node: HTMLElement) {
  const activation = shading.activations[pos] ?? 0;
  const reason = REASONS[tried.data.reasons[pos] ?? ""];
  return {
    rect: node.getBoundingClientRect(),
    title: "",
    activation,
    lines: [
      ["activation", number(activation)],
      ["token", `${tried.data.raws[pos] ?? ""}  ${count(tried.data.tokens[pos] ?? 0)}`],
      ["position", count(pos)],
      ...(reason ? [["counted", reason]] : []),
    ] as [string, string][],
  };
}

/** Scroll the text, and nothing around it, so that a token is in sight. */
function reveal(box: HTMLElement | null, node: HTMLElement | null | undefined): void {
  if (!box || !node) return;
  const [outer, inner] = [box.getBoundingClientRect(), node.getBoundingClientRect()];
  if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
  box.scrollTop += inner.top - outer.top - outer.height / 3;
}

function tokenAt(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest("[data-i]") : null;
  return node ? Number(node.getAttribute("data-i")) : undefined;
}

function copyPlain(event: ClipboardEvent): void {
  const text = document.getSelection()?.toString();
  if (!text || !event.clipboardData) return;
  event.clipboardData.setData("text/plain", text.replaceAll(`${NEWLINE}\n`, "\n"));
  event.preventDefault();
}
