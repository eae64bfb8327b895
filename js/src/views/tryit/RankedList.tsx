import { useEffect, useState } from "preact/hooks";
import { count, density, number } from "../../data/format.js";
import type { FeatureBrief } from "../../protocol/generated.js";
import { FeatureName } from "../shell/FeatureName.js";
import { type By, RANKINGS, type Ranked, scoreOf } from "./ranking.js";
import type { Tried } from "./tried.js";

const N_ROWS = 40;

interface Props {
  tried: Tried;
  rows: Ranked[];
  by: By;
  setBy: (by: By) => void;
  hidesDense: boolean;
  setHidesDense: (hides: boolean) => void;
  nDense: number;
  feature: number | undefined;
  choose: (feature: number) => void;
  briefs: ReadonlyMap<number, FeatureBrief>;
  /** Which rows are in sight, so that their names can be had. */
  onRows: (features: number[]) => void;
  pos: number | undefined;
  unpin: (() => void) | undefined;
}

/** The features that fire on a text, or on one of its tokens, those first that tell most. */
export function Ranking(props: Props) {
  const { tried, rows, by, feature, choose, briefs, onRows, pos } = props;
  const [nShown, setShown] = useState(N_ROWS);
  useEffect(() => setShown(N_ROWS), [by, pos, tried.text]);
  const shown = rows.slice(0, nShown);
  const wanted = shown.map((row) => row.feature);
  useEffect(() => onRows(wanted), [wanted.join()]);
  const values = shown.map((row) => scoreOf(row, by) ?? row.max).filter(Number.isFinite);
  const top = Math.max(0, ...values);
  return (
    <section class="ss-try-ranking" aria-label="Features that fire on the text">
      <RankingBar {...props} />
      {rows.length === 0 ? (
        <p class="ss-quiet ss-try-none">
          {props.hidesDense && props.nDense > 0
            ? "Only dense features fire here."
            : pos === undefined
              ? "No feature fires on this text."
              : "No feature fires on this token."}
        </p>
      ) : (
        <div class="ss-try-list">
          <ol class="ss-try-rows">
            {shown.map((row) => (
              <Row
                key={row.feature}
                row={row}
                by={by}
                top={top}
                tried={tried}
                brief={briefs.get(row.feature)}
                isOpen={row.feature === feature}
                isOnToken={pos !== undefined}
                choose={choose}
              />
            ))}
          </ol>
          {rows.length > nShown && (
            <button type="button" class="ss-button ss-try-more" onClick={() => setShown(nShown + 100)}>
              Show more of {count(rows.length)}
            </button>
          )}
        </div>
      )}
    </section>
  );
}

function RankingBar({ tried, by, setBy, hidesDense, setHidesDense, nDense, pos, unpin, rows }: Props) {
  const token = pos === undefined ? "" : readableToken(tried.data.texts[pos] ?? "");
  return (
    <div class="ss-try-bar">
      <div class="ss-try-choice" role="group" aria-label="Rank by">
        {RANKINGS.filter(({ needsIndex }) => tried.hasIndex || !needsIndex).map((r) => (
          <button
            key={r.by}
            type="button"
            aria-pressed={r.by === by}
            title={r.about}
            onClick={() => setBy(r.by)}
          >
            {r.label}
          </button>
        ))}
      </div>
      <div class="ss-try-filters">
        <span class="ss-try-chip" role="status">
          {pos === undefined ? (
            <span class="ss-quiet">{count(rows.length)} features</span>
          ) : (
            <>
              <span>
                {count(rows.length)} on <code>{token}</code>
              </span>
              {unpin && (
                <button
                  type="button"
                  aria-label="All tokens"
                  title="Back to all tokens (Esc)"
                  onClick={unpin}
                >
                  ×
                </button>
              )}
            </>
          )}
        </span>
        {tried.hasIndex && (
          <label title="Leave out features that fire on more than 10 % of the index's tokens.">
            <input
              type="checkbox"
              checked={hidesDense}
              onChange={(e) => setHidesDense(e.currentTarget.checked)}
            />
            hide dense{nDense > 0 ? ` (${count(nDense)})` : ""}
          </label>
        )}
      </div>
    </div>
  );
}

interface RowProps {
  row: Ranked;
  by: By;
  top: number;
  tried: Tried;
  brief: FeatureBrief | undefined;
  isOpen: boolean;
  isOnToken: boolean;
  choose: (feature: number) => void;
}

function Row({ row, by, top, tried, brief, isOpen, isOnToken, choose }: RowProps) {
  const value = scoreOf(row, by) ?? row.max;
  const share = top > 0 ? Math.min(1, value / top) : 0;
  return (
    <li
      class={isOpen ? "ss-try-row ss-open" : "ss-try-row"}
      data-feature={row.feature}
      title={told(row)}
      onClick={() => choose(row.feature)}
    >
      <span class="ss-try-value">{shownValue(value, by)}</span>
      <span class="ss-try-bars" aria-hidden="true">
        <span style={{ width: `${100 * share}%` }} />
      </span>
      {brief ? (
        <FeatureName brief={brief} choose={() => choose(row.feature)} isOpen={isOpen} />
      ) : (
        <button type="button" class={isOpen ? "ss-name ss-name-open" : "ss-name"}>
          <span class="ss-name-number">{row.feature}</span>
        </button>
      )}
      {!isOnToken && <span class="ss-try-peak">{readableToken(tried.data.texts[row.pos] ?? "")}</span>}
    </li>
  );
}

function shownValue(value: number, by: By): string {
  if (by === "tokens") return count(value);
  if (by !== "relative") return number(value);
  return Number.isFinite(value) ? `${Math.round(100 * value)}\u2009%` : "new";
}

function told(row: Ranked): string {
  const parts = [
    `max ${number(row.max)}`,
    `sum ${number(row.sum)}`,
    `fires on ${count(row.n_tokens)} tokens`,
  ];
  if (row.relative !== undefined)
    parts.push(
      Number.isFinite(row.relative)
        ? `${Math.round(100 * row.relative)}\u2009% of its max in the index`
        : "never fired in the index",
    );
  if (row.density !== undefined && row.density > 0)
    parts.push(`fires on ${density(row.density)} of the index`);
  return parts.join(" · ");
}

/** A token in a list: its spaces at the ends are kept, its line breaks are signs. */
export function readableToken(text: string): string {
  return /^ *$/.test(text) ? "␣".repeat(Math.max(1, text.length)) : text.replaceAll("\n", "⏎");
}
