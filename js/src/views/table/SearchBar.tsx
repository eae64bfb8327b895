import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { PLACES } from "../../data/query.js";
import type { RequestError } from "../../protocol/client.js";
import type { TableFilter } from "../../protocol/generated.js";

const SEARCH_AFTER_MS = 90;
const FIND_TEXT_AFTER_MS = 350;

/** What the box looks for: a search in some place, a text to fire on, or words in notes. */
export type Mode = TableFilter["looks_in"] | "fires_on" | "words";

interface Props {
  filter: TableFilter;
  mode: Mode;
  setMode: (mode: Mode) => void;
  change: (part: Partial<TableFilter>) => void;
  problem: RequestError | undefined;
  children?: ComponentChildren;
}

const HINTS: Record<Mode, string> = {
  everything: "/ search numbers, notes, tokens",
  label: "/ search labels",
  remark: "/ search remarks",
  tags: "/ search tags",
  layer: "/ search labels from elsewhere",
  top_tokens: "/ search top tokens",
  promoted: "/ search promoted tokens",
  suppressed: "/ search suppressed tokens",
  fires_on: "/ text in stored examples, spaces count",
  words: '/ words in notes, best first; "in a row"',
};

/** One box for all searches, with where it looks; asks the kernel a moment after the last key. */
export function SearchBar({ filter, mode, setMode, change, problem, children }: Props) {
  const isFiring = mode === "fires_on";
  const field = isFiring || mode === "words" ? mode : "search";
  const asked = filter[field];
  const [text, setText] = useState(asked);
  const own = useRef<string>(undefined);
  useEffect(() => {
    // What was asked from here comes back later than the next key: it must not take that key away.
    if (own.current !== asked) setText(asked);
    own.current = undefined;
  }, [asked, field]);
  useEffect(() => {
    if (text === asked) return;
    const timer = setTimeout(
      () => {
        own.current = text;
        change({ [field]: text });
      },
      isFiring ? FIND_TEXT_AFTER_MS : SEARCH_AFTER_MS,
    );
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="ss-search-bar">
      <input
        class="ss-search"
        type="search"
        data-box="search"
        spellcheck={false}
        autocomplete="off"
        placeholder={HINTS[mode]}
        aria-label="Search features"
        aria-invalid={problem !== undefined}
        aria-describedby={problem ? "ss-search-problem" : undefined}
        value={text}
        onInput={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== "Enter" && e.key !== "ArrowDown") return;
          e.preventDefault();
          e.currentTarget.closest(".ss-table")?.querySelector<HTMLElement>(".ss-scroll")?.focus();
        }}
      />
      <div class="ss-tools">
        {field === "search" && (
          <button
            type="button"
            class="ss-toggle ss-regex"
            aria-pressed={filter.is_regex}
            aria-label="Regular expression"
            title="Take the search as a regular expression (RE2), whatever the case: ^ (ham|jam)$"
            onClick={() => change({ is_regex: !filter.is_regex })}
          >
            .*
          </button>
        )}
        <select
          class="ss-mode"
          aria-label="Where to search"
          title="Where to search. “Words in notes” ranks labels, tags, remarks and labels from elsewhere; “fires on text” finds features whose stored examples hold a text."
          value={mode}
          onChange={(e) => setMode(e.currentTarget.value as Mode)}
        >
          {Object.entries(PLACES).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
          <option value="words">words in notes</option>
          <option value="fires_on">fires on text</option>
        </select>
        {children}
      </div>
      {problem && (
        <p class="ss-search-problem" id="ss-search-problem" role="alert">
          {problem.message} {problem.hint} The rows shown are those before.
        </p>
      )}
    </div>
  );
}
