import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { directionOf, joined } from "../../data/script.js";
import type { Client } from "../../protocol/client.js";
import type { Document, Example, ScopeInfo } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { HoverContext } from "../shell/hover.js";
import { Skeleton } from "../shell/Notice.js";
import { copyPlain, Token, tokenAt } from "./Token.js";
import { useDocument } from "./useDocument.js";
import { useLeaving } from "./useLeaving.js";

const NEAR_PX = 200;

interface Props {
  client: Client;
  info: ScopeInfo;
  feature: number | undefined;
  max: number;
  /** What stored activations are multiplied by. */
  factor: number;
  example: Example;
  close: () => void;
}

/** The source document of an example, with the passage marked and the feature's activations where they are known. */
export function DocumentReader({ client, info, feature, max, factor, example, close }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  useLeaving(box, close);
  const [place, setPlace] = useState({ top: "0px", height: "100%" });
  useLayoutEffect(() => {
    const page = box.current?.parentElement;
    if (page) setPlace({ top: `${page.scrollTop}px`, height: "100%" });
  }, []);
  const { parts, error, n_before, n_after, more } = useDocument(
    client,
    info.id,
    example.row + example.peak,
    feature,
  );
  const isSlow = useSlow(parts.length === 0 && !error);
  const first = parts[0];
  const reveal = () => {
    const [pane, peak] = [scroller.current, scroller.current?.querySelector(".ss-passage [data-peak]")];
    if (!pane || !peak) return;
    pane.scrollTop +=
      peak.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
  };
  const held = useRef<{ row: number; height: number } | undefined>(undefined);
  useLayoutEffect(() => {
    const pane = scroller.current;
    if (!pane || !first) return;
    if (held.current === undefined) reveal();
    else if (first.row < held.current.row) pane.scrollTop += pane.scrollHeight - held.current.height;
    held.current = { row: first.row, height: pane.scrollHeight };
  }, [parts]);
  useEffect(() => {
    held.current = undefined;
  }, [example, feature]);
  const onScroll = () => {
    const pane = scroller.current;
    if (!pane || !held.current) return;
    if (pane.scrollTop < NEAR_PX) more("before");
    if (pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR_PX) more("after");
  };
  const isUnknown = parts.some((part) => part.activations.some((a) => a === null));
  return (
    <div class="ss-reader" role="dialog" aria-label="Source document" tabIndex={-1} ref={box} style={place}>
      <header>
        <h3>document {first ? count(first.doc) : count(example.doc)}</h3>
        <span class="ss-reader-source">{first?.source ?? example.source}</span>
        {first && (
          <span class="ss-quiet">
            tokens {count(n_before + 1)}–{count(first.n_tokens - n_after)} of {count(first.n_tokens)}
          </span>
        )}
        <span class="ss-reader-end">
          <button type="button" class="ss-quiet-button" onClick={reveal}>
            passage
          </button>
          <button type="button" class="ss-quiet-button" title="Close (Escape)" onClick={close}>
            close
          </button>
        </span>
      </header>
      {isUnknown && (
        <p class="ss-reader-note ss-quiet">
          {info.has_postings
            ? "Part of the document has not been read yet."
            : "Activations are known in the stored examples only: the index was made without postings."}
        </p>
      )}
      <div
        class="ss-reader-text"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label="Text"
      >
        {error && (
          <p class="ss-quiet">
            {error.message} {error.hint}
          </p>
        )}
        {isSlow && <Skeleton lines={14} />}
        {n_before > 0 && <More n={n_before} side="before" more={more} />}
        <div class="ss-text" onCopy={copyPlain} dir={directionOf(joined(first?.texts ?? []))}>
          {parts.map((part) => (
            <Part key={part.row} part={part} example={example} max={max} factor={factor} />
          ))}
        </div>
        {n_after > 0 && <More n={n_after} side="after" more={more} />}
      </div>
    </div>
  );
}

function More({
  n,
  side,
  more,
}: {
  n: number;
  side: "before" | "after";
  more: (side: "before" | "after") => void;
}) {
  return (
    <button type="button" class="ss-quiet-button ss-more" onClick={() => more(side)}>
      {count(n)} more {n === 1 ? "token" : "tokens"} {side === "before" ? "before this" : "after this"}
    </button>
  );
}

interface PartProps {
  part: Document;
  example: Example;
  max: number;
  factor: number;
}

function times(part: Document, factor: number): Document {
  if (factor === 1) return part;
  return { ...part, activations: part.activations.map((value) => (value === null ? null : value * factor)) };
}

/** A stretch of the document, drawn once. */
function Part({ part: read, example, max, factor }: PartProps) {
  const part = useMemo(() => times(read, factor), [read, factor]);
  const hover = useContext(HoverContext);
  const low = example.row - part.row;
  const high = low + example.tokens.length;
  const peak = low + example.peak;
  const drawn = useMemo(() => {
    const breaks = new Set(part.breaks);
    const texts = joined(part.texts);
    const token = (i: number) => (
      <Token
        key={i}
        i={i}
        text={texts[i] ?? ""}
        token={part.tokens[i] ?? 0}
        activation={part.activations[i] ?? 0}
        max={max}
        isPeak={i === peak}
        isBreak={breaks.has(i) && part.start + i > 0}
        hasBreaks
      />
    );
    const from = (a: number, b: number) => {
      const [start, end] = [Math.max(0, a), Math.min(part.tokens.length, b)];
      return Array.from({ length: Math.max(0, end - start) }, (_, i) => token(start + i));
    };
    const passage = from(low, high);
    return (
      <>
        {from(0, low)}
        {passage.length > 0 && <mark class="ss-passage">{passage}</mark>}
        {from(high, part.tokens.length)}
      </>
    );
  }, [part, example, max]);
  const point = (event: MouseEvent) => {
    const i = tokenAt(event.target);
    const node = event.target instanceof Element ? event.target.closest("[data-i]") : null;
    hover.set(i === undefined || !node ? undefined : described(part, i, node.getBoundingClientRect()));
  };
  return (
    <span onMouseOver={point} onMouseLeave={() => hover.set(undefined)}>
      {drawn}
    </span>
  );
}

function described(part: Document, i: number, rect: DOMRect) {
  const activation = part.activations[i];
  const isBreak = part.breaks.includes(i);
  return {
    rect,
    title: "",
    activation: activation ?? 0,
    lines: [
      ["activation", activation === null || activation === undefined ? "not known" : number(activation)],
      ["token", `${part.raws[i] ?? ""}  ${count(part.tokens[i] ?? 0)}`],
      ["place", `${count(part.start + i)} of the document`],
      ...(isBreak ? [["context", "begins here: the model sees nothing before"]] : []),
    ] as [string, string][],
  };
}
