import { useEffect, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import type { FeatureBrief } from "../../protocol/generated.js";
import { EffectBar } from "../effects/EffectBar.js";
import { change } from "../effects/signed.js";
import { FeatureName } from "../shell/FeatureName.js";
import { focusedNear } from "../shell/inside.js";
import { readableToken } from "../tryit/RankedList.js";
import type { PromptData } from "./data.js";
import { metricName, metricUnit } from "./PromptCard.js";
import { estimateOf, type Row, shownOf } from "./rows.js";

export const N_ROWS = 40;

export interface ListProps {
  by: string;
  feature: number | undefined;
  choose: (feature: number) => void;
  ablate: ((feature: number) => void) | undefined;
  briefs: ReadonlyMap<number, FeatureBrief>;
  /** Which rows are in sight, so that their names can be had. */
  onRows: (features: number[]) => void;
}

interface Props extends ListProps {
  prompt: PromptData;
  rows: readonly Row[];
  at: number | undefined;
}

/** The features that fire on a text, or on one of its tokens, with what they do for the next token. */
export function Features({ prompt, rows, at, by, feature, choose, ablate, briefs, onRows }: Props) {
  const { shown, more } = useRows(rows, `${prompt.key}/${at}/${by}`, onRows);
  const top = Math.max(0, ...rows.map((row) => Math.abs(shownOf(row, by).value ?? 0)));
  const estimate = estimateColumn(by);
  if (rows.length === 0)
    return (
      <p class="ss-quiet ss-try-none">No feature fires on this {at === undefined ? "text" : "token"}.</p>
    );
  return (
    <div class={at === undefined ? "ss-prompt-list" : "ss-prompt-list ss-prompt-one"} onKeyDown={walkRows}>
      <div class="ss-prompt-row ss-prompt-head ss-quiet" aria-hidden="true">
        <span>
          {count(rows.length)} features on this {at === undefined ? "text" : "token"}
        </span>
        <span class="ss-prompt-peak">{at === undefined ? "strongest at" : ""}</span>
        <span class={`ss-prompt-number ${by === "activation" ? "ss-prompt-ranked" : ""}`}>act</span>
        <span
          class={`ss-prompt-number ss-prompt-direct ${by === "direct" ? "ss-prompt-ranked" : ""}`}
          title="What it writes straight to the logit."
        >
          direct
        </span>
        <span
          class={`ss-prompt-number ss-prompt-estimate ${by === estimate ? "ss-prompt-ranked" : ""}`}
          title="The estimate, which needs no run for each feature."
        >
          {estimate}
        </span>
        <span
          class="ss-prompt-effect"
          title={`+ raises, − lowers ${metricName(prompt)}, ${metricUnit(prompt)}`}
        >
          does to {metricName(prompt)}
        </span>
      </div>
      <ol aria-label="Features that fire">
        {shown.map((row) => (
          <Line
            key={row.feature}
            row={row}
            prompt={prompt}
            by={by}
            top={top}
            isOnToken={at !== undefined}
            brief={briefs.get(row.feature)}
            isOpen={row.feature === feature}
            choose={choose}
            ablate={ablate}
          />
        ))}
      </ol>
      {more}
    </div>
  );
}

/** The estimate that has a column beside `direct`. */
function estimateColumn(by: string): string {
  const name = estimateOf(by);
  return name === "direct" ? "gradient" : name;
}

interface LineProps {
  row: Row;
  prompt: PromptData;
  by: string;
  top: number;
  isOnToken: boolean;
  brief: FeatureBrief | undefined;
  isOpen: boolean;
  choose: (feature: number) => void;
  ablate: ((feature: number) => void) | undefined;
}

function Line({ row, prompt, by, top, isOnToken, brief, isOpen, choose, ablate }: LineProps) {
  const { value, method, isExact } = shownOf(row, by);
  const estimate = estimateColumn(by);
  return (
    <li
      class={isOpen ? "ss-prompt-row ss-open" : "ss-prompt-row"}
      data-feature={row.feature}
      title={told(row)}
      onClick={() => choose(row.feature)}
    >
      <Name feature={row.feature} brief={brief} isOpen={isOpen} choose={choose} ablate={ablate} />
      <span class="ss-prompt-peak">{isOnToken ? "" : readableToken(prompt.data.texts[row.pos] ?? "")}</span>
      <span class="ss-prompt-number">
        <span class="ss-unseen">activation </span>
        {number(row.activation)}
      </span>
      <span class="ss-prompt-number ss-prompt-direct">
        <span class="ss-unseen">direct </span>
        {change(row.figures["direct"])}
      </span>
      <span class="ss-prompt-number ss-prompt-estimate">
        <span class="ss-unseen">{estimate} </span>
        {change(row.figures[estimate])}
      </span>
      <span class="ss-prompt-effect">
        <EffectBar
          value={value}
          top={top}
          unit={metricUnit(prompt)}
          {...(value === null ? {} : { method: isExact ? "exact" : "estimate", by: isExact ? "" : method })}
        />
      </span>
    </li>
  );
}

interface NameProps {
  feature: number;
  brief: FeatureBrief | undefined;
  isOpen: boolean;
  choose: (feature: number) => void;
  ablate: ((feature: number) => void) | undefined;
}

/** A feature's name, and what opens it in the effects panel. */
export function Name({ feature, brief, isOpen, choose, ablate }: NameProps) {
  const open = () => choose(feature);
  return (
    <span class="ss-prompt-name">
      {brief ? (
        <FeatureName brief={brief} choose={open} isOpen={isOpen} />
      ) : (
        <button type="button" class={isOpen ? "ss-name ss-name-open" : "ss-name"} onClick={open}>
          <span class="ss-name-number">{feature}</span>
        </button>
      )}
      {ablate && (
        <button
          type="button"
          class="ss-prompt-ablate"
          aria-label={`Ablate feature ${feature}`}
          title="Take it out in the effects panel"
          tabIndex={isOpen ? 0 : -1}
          onClick={(e) => {
            e.stopPropagation();
            ablate(feature);
          }}
        >
          ablate
        </button>
      )}
    </span>
  );
}

function told({ activation, nTokens, figures, exact }: Row): string {
  const parts = [`activation ${number(activation)}`, `fires on ${count(nTokens)} of these tokens`];
  for (const [name, figure] of Object.entries(figures)) parts.push(`${name} ${change(figure)}`);
  parts.push(exact === undefined ? "exact: not measured" : `exact ${change(exact)}`);
  return parts.join(" · ");
}

/** The first rows, and a button for more; a new question begins again at the first. */
export function useRows<T extends { feature: number }>(
  rows: readonly T[],
  question: string,
  onRows: (features: number[]) => void,
) {
  const [nShown, setShown] = useState(N_ROWS);
  useEffect(() => setShown(N_ROWS), [question]);
  const shown = rows.slice(0, nShown);
  const wanted = shown.map((row) => row.feature);
  useEffect(() => onRows(wanted), [wanted.join()]);
  const more = rows.length > nShown && (
    <button type="button" class="ss-button ss-try-more" onClick={() => setShown(nShown + 100)}>
      Show more of {count(rows.length)}
    </button>
  );
  return { shown, more };
}

/** Arrow keys go from name to name. */
export function walkRows(event: KeyboardEvent & { currentTarget: EventTarget | null }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!(event.currentTarget instanceof HTMLElement)) return;
  const names = [...event.currentTarget.querySelectorAll<HTMLElement>(".ss-name")];
  const at = names.indexOf(focusedNear(event.currentTarget) as HTMLElement);
  const next = names[Math.max(0, Math.min(names.length - 1, at + step))];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}
