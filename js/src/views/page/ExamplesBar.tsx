import { useContext, useState } from "preact/hooks";
import { count, density, number } from "../../data/format.js";
import type { ExampleGroup, ScopeInfo } from "../../protocol/generated.js";
import { Options } from "./Options.js";
import { CONTEXTS, intervalOf, isChanged, type PageState } from "./query.js";
import { RangeContext } from "./range.js";
import type { Shown } from "./useFeature.js";

interface Props {
  info: ScopeInfo;
  shown: Shown;
  state: PageState;
  update: (part: Partial<PageState>) => void;
  isReadOnly: boolean;
}

/** Which examples, how much of the text around them, and by what they are counted. */
export function ExamplesBar({ info, shown, state, update, isReadOnly }: Props) {
  const [isOpen, setOpen] = useState(false);
  const { context, group, hasBreaks } = state;
  const isOther = isChanged(state);
  return (
    <div class="ss-bar">
      <Groups shown={shown} group={group} setGroup={(name) => update({ group: name })} />
      <div class="ss-choice ss-bar-end">
        <fieldset class="ss-choice" aria-label="Tokens of context on each side">
          <span class="ss-label">context</span>
          {CONTEXTS.map((n) => (
            <button
              key={n}
              type="button"
              aria-pressed={n === context}
              title={contextTitle(n)}
              onClick={() => update({ context: n })}
            >
              {n === 0 ? "full" : n}
            </button>
          ))}
        </fieldset>
        <button
          type="button"
          aria-pressed={hasBreaks}
          aria-label="Break lines where the text does"
          title={hasBreaks ? "Line breaks as ⏎ within the line." : "Break the line where the text does."}
          onClick={() => update({ hasBreaks: !hasBreaks })}
        >
          ⏎
        </button>
        {!isReadOnly && (
          <span class="ss-options-place">
            <button
              type="button"
              data-options
              aria-expanded={isOpen}
              aria-haspopup="dialog"
              class={isOther ? "ss-changed" : undefined}
              title={isOther ? "Not all options are as they begin." : "How many, and what counts."}
              onClick={() => setOpen(!isOpen)}
            >
              options
            </button>
            {isOpen && (
              <Options
                info={info}
                own={shown.page.rule}
                state={state}
                update={update}
                close={() => setOpen(false)}
              />
            )}
          </span>
        )}
      </div>
    </div>
  );
}

function Groups({
  shown,
  group,
  setGroup,
}: {
  shown: Shown;
  group: string;
  setGroup: (name: string) => void;
}) {
  const range = useContext(RangeContext);
  const whole = shown.groups.filter(({ name }) => intervalOf(name) === undefined);
  const intervals = shown.groups.filter(({ name }) => intervalOf(name) !== undefined);
  const [top, ...others] = whole;
  const n = intervals.length;
  const point = (found: ExampleGroup | undefined) => () =>
    range.set(found && intervalOf(found.name) !== undefined ? [found.low, found.high] : undefined);
  return (
    <fieldset class="ss-choice ss-groups" aria-label="Group">
      {[...(top ? [top] : []), ...intervals, ...others].map((found) => (
        <button
          key={found.name}
          type="button"
          aria-pressed={found.name === group}
          title={groupTitle(found, n)}
          onClick={() => setGroup(found.name)}
          onMouseEnter={point(found)}
          onMouseLeave={point(undefined)}
          onFocus={point(found)}
          onBlur={point(undefined)}
        >
          <span>{groupName(found.name, n)}</span>
          {intervalOf(found.name) !== undefined && <small>{shareText(found)}</small>}
        </button>
      ))}
    </fieldset>
  );
}

/** "interval-5" of 5 is the highest fifth of the range up to the maximum. */
export function groupName(name: string, n_intervals: number): string {
  const interval = intervalOf(name);
  if (interval === undefined) return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
  const edge = (i: number) => Math.round((100 * i) / n_intervals);
  return `${edge(interval - 1)}–${edge(interval)}\u2009%`;
}

/** A group's share, quietly; nothing before it is known. */
export function shareText({ share, is_exact }: ExampleGroup): string {
  if (share === null || Number.isNaN(share)) return "\u00a0";
  if (share <= 0) return "none";
  const percent = 100 * share;
  const digits = percent >= 99.95 || percent >= 10 ? 0 : 1;
  const text = percent < 0.05 ? "<0.1" : percent.toFixed(digits);
  return `${is_exact ? "" : "≈\u2009"}${text}\u2009%`;
}

function groupTitle({ name, low, high, n_fires, share, is_exact }: ExampleGroup, n: number): string {
  if (name === "top") return "The strongest, at most one from each context.";
  if (name === "random") return "Drawn from all tokens on which it fires, the same every time.";
  if (intervalOf(name) === undefined) return "";
  const range = `Activations from ${number(low)} to ${number(high)}, drawn at random`;
  if (share === null || Number.isNaN(share)) return `${range}.`;
  const about = is_exact ? "" : "about ";
  const why = is_exact ? "" : " Estimated from the stored histogram.";
  const parts = n === 1 ? "" : `, ${density(share) === "never" ? "none" : density(share)} of all`;
  return `${range}: ${about}${count(n_fires)} ${n_fires === 1 ? "token" : "tokens"}${parts} on which it fires.${why}`;
}

function contextTitle(n: number): string {
  return n === 0
    ? "The whole stored window: 64 tokens before the peak and 63 after it."
    : `${n} tokens on each side of the peak.`;
}
