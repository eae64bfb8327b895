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
  /** The token that was chosen, and the one under the pointer. */
  pinned: number | undefined;
  pin: (pos: number | undefined) => void;
  point: (pos: number | undefined) => void;
  isOld: boolean;
}

/** The text that was read, shaded by one feature. Arrow keys choose a token, a click too. */
export function TriedText({ tried, shading, pinned, pin, point, isOld }: Props) {
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
    node?.scrollIntoView?.({ block: "nearest" });
    return () => node?.classList.remove("ss-focused");
  }, [pinned, tried]);
  const tokens = useMemo(
    () => tried.data.texts.map((_, pos) => <Token key={pos} tried={tried} shading={shading} pos={pos} />),
    [tried, shading],
  );
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

function Token({ tried, shading, pos }: { tried: Tried; shading: Shading; pos: number }) {
  const whole = tried.data.texts[pos] ?? "";
  const counts = tried.counts(pos);
  const strength = counts ? shade(Math.abs(shading.activations[pos] ?? 0), shading.ceiling) : 0;
  const isPeak = pos === shading.peak;
  const space = strength > 0 ? (/^ +/.exec(whole)?.[0] ?? "") : "";
  const text = whole.slice(space.length).replaceAll("\n", `${NEWLINE}\n`);
  return (
    <span
      class={counts ? "ss-try-token" : "ss-try-token ss-uncounted"}
      data-i={pos}
      data-peak={isPeak || undefined}
    >
      {space}
      {strength > 0 ? (
        <span class={isPeak ? "ss-lit ss-peak" : "ss-lit"} style={{ "--ss-strength": strength.toFixed(3) }}>
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
