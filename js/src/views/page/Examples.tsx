import { useMemo, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import type { Example, ExampleGroup } from "../../protocol/generated.js";
import { MarkButtons, MarkSign, markOfKey } from "../notes/MarkButtons.js";
import type { Mark } from "../notes/useMarks.js";
import { focusedNear } from "../shell/inside.js";
import type { Placed } from "./pointing.js";
import { TokenText } from "./TokenText.js";
import type { Shown } from "./useFeature.js";

/** What can be done with an example. */
export interface Actions {
  pin: (example: Example, i: number, token: Placed) => void;
  /** Open the source document; not without a kernel. */
  read?: (example: Example) => void;
  /** Send the text to where texts are tried. */
  tryIt?: (example: Example) => void;
  copy: (example: Example) => void;
  /** Mark it as typical or as a counterexample; not without a kernel. */
  mark?: (example: Example, mark: Mark | "") => void;
}

interface Props {
  shown: Shown;
  /** The mark that a person gave an example. */
  markOf: (example: Example) => Mark | undefined;
  isNarrow: boolean;
  hasBreaks: boolean;
  actions: Actions;
}

/** The examples that have come so far; the rest of the place is kept for those on the way. */
export function Examples({ shown, markOf, isNarrow, hasBreaks, actions }: Props) {
  const { page, query, examples, isComplete } = shown;
  const latest = useRef(actions);
  latest.current = actions;
  const can = useMemo(
    (): Actions => ({
      pin: (...given) => latest.current.pin(...given),
      copy: (example) => latest.current.copy(example),
      ...(actions.read && { read: (example: Example) => latest.current.read?.(example) }),
      ...(actions.mark && { mark: (...given: [Example, Mark | ""]) => latest.current.mark?.(...given) }),
      ...(actions.tryIt && { tryIt: (example: Example) => latest.current.tryIt?.(example) }),
    }),
    [!actions.read, !actions.tryIt, !actions.mark],
  );
  const list = useRef<HTMLOListElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const texts = [...(list.current?.querySelectorAll<HTMLElement>(".ss-text") ?? [])];
    const at = texts.indexOf(event.target as HTMLElement);
    const next = texts[at + step];
    if (!step || at < 0 || !next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  };
  if (isComplete && examples.length === 0)
    return <p class="ss-no-example ss-quiet">{noExample(shown.groups, query.group)}</p>;
  const isAligned = query.context > 0 && !isNarrow && !hasBreaks;
  return (
    <ol class={isComplete ? "ss-examples" : "ss-examples ss-coming"} ref={list} onKeyDown={onKeyDown}>
      {examples.map((example, rank) => (
        <Row
          key={rank}
          example={example}
          max={page.max}
          isAligned={isAligned}
          hasBreaks={hasBreaks}
          mark={markOf(example)}
          can={can}
        />
      ))}
    </ol>
  );
}

interface RowProps {
  example: Example;
  max: number;
  isAligned: boolean;
  hasBreaks: boolean;
  mark: Mark | undefined;
  can: Actions;
}

/** One example: its activation, its text, and, under pointer or focus, what can be done with it. */
function Row({ example, max, isAligned, hasBreaks, mark, can }: RowProps) {
  const [isIn, setIn] = useState(false);
  const [isWhole, setWhole] = useState(false);
  const [isCopied, setCopied] = useState(false);
  const { activation, n_same } = example;
  const isLine = isAligned && !isWhole;
  const text = useMemo(
    () => (
      <TokenText
        example={example}
        max={max}
        isAligned={isLine}
        hasBreaks={hasBreaks}
        onPin={(i, token) => can.pin(example, i, token)}
      />
    ),
    [example, max, isLine, hasBreaks, can],
  );
  const copy = () => {
    can.copy(example);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <li
      data-example
      data-activation={activation}
      data-mark={mark}
      onKeyDown={(event) => {
        const next = markOfKey(event, mark);
        if (next === undefined || !can.mark) return;
        event.preventDefault();
        event.stopPropagation();
        can.mark(example, next);
      }}
      onMouseEnter={() => setIn(true)}
      onMouseLeave={(e) => setIn(e.currentTarget.contains(focusedNear(e.currentTarget)))}
      onFocusIn={() => setIn(true)}
      onFocusOut={(e) =>
        setIn(e.relatedTarget instanceof Node ? e.currentTarget.contains(e.relatedTarget) : false)
      }
    >
      <span class="ss-activation">
        <MarkSign mark={mark} />
        {number(activation)}
        {n_same > 0 && (
          <span class="ss-same" title={sameTitle(n_same)}>
            ×{count(n_same + 1)}
          </span>
        )}
      </span>
      {text}
      {isIn && can.mark && <MarkButtons mark={mark} set={(next) => can.mark?.(example, next)} />}
      {isIn && (
        <span class="ss-actions">
          {isAligned && (
            <button type="button" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
              {isWhole ? "one line" : "whole"}
            </button>
          )}
          {can.read && (
            <button type="button" title="Read the source document." onClick={() => can.read?.(example)}>
              document
            </button>
          )}
          {can.tryIt && (
            <button type="button" title="Try this text, and change it." onClick={() => can.tryIt?.(example)}>
              try it
            </button>
          )}
          <button type="button" title="Copy the text." onClick={copy}>
            {isCopied ? "copied" : "copy"}
          </button>
        </span>
      )}
    </li>
  );
}

function sameTitle(n: number): string {
  const more = n === 1 ? "1 more context ends" : `${count(n)} more contexts end`;
  return `${more} in the same eight tokens; they are shown once.`;
}

/** An imported index may know of firings in a group, and show none of them. */
function noExample(groups: readonly ExampleGroup[], name: string): string {
  const group = groups.find((found) => found.name === name);
  return group && group.n_fires === 0 && group.share !== null
    ? "No firing lies in this group."
    : "The index holds no example of this group.";
}
