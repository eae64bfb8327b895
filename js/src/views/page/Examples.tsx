import { count, number } from "../../data/format.js";
import { TokenText } from "./TokenText.js";
import type { Shown } from "./useFeature.js";

export const CONTEXTS = [5, 16, 0];

interface BarProps {
  shown: Shown;
  group: string;
  context: number;
  setGroup: (group: string) => void;
  setContext: (context: number) => void;
}

/** Which examples, and how much of the text around them. */
export function ExamplesBar({ shown, group, context, setGroup, setContext }: BarProps) {
  return (
    <div class="ss-bar">
      <div class="ss-choice" role="group" aria-label="Group">
        {shown.groups.map((name) => (
          <button key={name} type="button" aria-pressed={name === group} onClick={() => setGroup(name)}>
            {title(name)}
          </button>
        ))}
      </div>
      <div class="ss-choice" role="group" aria-label="Tokens of context on each side">
        <span class="ss-label">context</span>
        {CONTEXTS.map((n) => (
          <button key={n} type="button" aria-pressed={n === context} onClick={() => setContext(n)}>
            {n === 0 ? "full" : n}
          </button>
        ))}
      </div>
    </div>
  );
}

/** The examples that have come so far; the rest of the place is kept for those on the way. */
export function Examples({ shown, isNarrow }: { shown: Shown; isNarrow: boolean }) {
  const { page, context, examples, isComplete } = shown;
  if (isComplete && examples.length === 0)
    return <p class="ss-quiet">There are no examples in this group.</p>;
  return (
    <ol class={isComplete ? "ss-examples" : "ss-examples ss-coming"}>
      {examples.map((example) => (
        <li key={`${example.group}-${example.rank}`} data-example data-activation={example.activation}>
          <span class="ss-activation" title={example.source || `document ${example.doc}`}>
            {number(example.activation)}
            {(example.n_same ?? 0) > 0 && (
              <span class="ss-same" title={sameTitle(example.n_same)}>
                ×{count(example.n_same + 1)}
              </span>
            )}
          </span>
          <TokenText example={example} max={page.max} isAligned={context === 5 && !isNarrow} />
        </li>
      ))}
    </ol>
  );
}

function sameTitle(n: number): string {
  const more = n === 1 ? "1 more context ends" : `${count(n)} more contexts end`;
  return `${more} in the same eight tokens; they are shown once.`;
}

/** "interval-5" is the highest fifth of the range up to the maximum. */
function title(name: string): string {
  const fifth = /^interval-(\d)$/.exec(name)?.[1];
  if (fifth !== undefined) return `${20 * (Number(fifth) - 1)}–${20 * Number(fifth)} %`;
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
}
