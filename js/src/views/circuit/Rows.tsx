import { useState } from "preact/hooks";
import { number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { CircuitRow, FeatureBrief, ScopeInfo } from "../../protocol/generated.js";
import { EffectBar, MethodTag } from "../effects/EffectBar.js";
import { change, probability, visible } from "../effects/signed.js";
import { FeatureName } from "../shell/FeatureName.js";
import { HeadDetails } from "./HeadDetails.js";
import { points, ratioOf, roleOf, rowAbout, rowName, times } from "./naming.js";
import type { SideName, Wanted } from "./useCircuit.js";

const N_ROWS = 12;
/** What is left over of a sum is nothing below this share of its largest part. */
const NOTHING = 1e-3;

export interface RowsProps {
  client: Client;
  info: ScopeInfo;
  rows: readonly CircuitRow[];
  side: SideName;
  unit: string;
  wanted: Wanted;
  pos: number | undefined;
  /** Parts that the kernel left out, and what they sum to. */
  nMore: number;
  more: number;
}

/** Heads, MLPs and the rest, as signed bars on a text and as multiples by weights. */
export function Rows(props: RowsProps) {
  const { rows, wanted, nMore, more, unit } = props;
  const [isLong, setLong] = useState(false);
  const [open, setOpen] = useState("");
  const isByWeights = wanted.by === "weights";
  const hidden = isLong ? [] : rows.slice(N_ROWS).filter(({ kind }) => kind !== "error");
  const shown = isLong ? rows : rows.filter((row) => !hidden.includes(row));
  const top = Math.max(
    1e-12,
    ...rows.map((row) => (isByWeights ? (ratioOf(row) ?? 0) : Math.abs(row.score))),
  );
  const n = hidden.length + nMore;
  const rest = more + hidden.reduce((sum, row) => sum + row.score, 0);
  const parts = shown.filter(({ kind }) => kind !== "error");
  const left = shown.filter(({ kind }) => kind === "error");
  const drawn = (row: CircuitRow) => {
    const name = `${row.kind}${row.layer}.${row.head}${row.method}`;
    const isOpen = name === open;
    return (
      <PartRow
        key={name}
        {...props}
        row={row}
        top={top}
        isOpen={isOpen}
        toggle={() => setOpen(isOpen ? "" : name)}
      />
    );
  };
  return (
    <ul class="ss-circuit-rows">
      {parts.map(drawn)}
      {n > 0 && (
        <li class="ss-circuit-row ss-circuit-more">
          {hidden.length > 0 ? (
            <button type="button" class="ss-quiet-button" onClick={() => setLong(true)}>
              {n} more
            </button>
          ) : (
            <span class="ss-quiet">{n} more</span>
          )}
          <span />
          {!isByWeights && <EffectBar value={rest} top={top} unit={unit} />}
        </li>
      )}
      {left.map(drawn)}
    </ul>
  );
}

interface PartProps extends RowsProps {
  row: CircuitRow;
  top: number;
  isOpen: boolean;
  toggle: () => void;
}

function PartRow(props: PartProps) {
  const { row, top, side, unit, wanted, isOpen, toggle } = props;
  const isByWeights = wanted.by === "weights";
  const name = rowName(row);
  const source = row.kind === "head" && row.text !== null && side === "upstream" ? row.text : undefined;
  return (
    <li class={isOpen ? "ss-circuit-part ss-circuit-unfolded" : "ss-circuit-part"}>
      <div class="ss-circuit-row" title={rowAbout(row)}>
        {row.kind === "head" ? (
          <button type="button" class="ss-circuit-head" aria-expanded={isOpen} onClick={toggle}>
            {name}
          </button>
        ) : (
          <span class="ss-circuit-name">{name}</span>
        )}
        <span class="ss-circuit-source">
          {source !== undefined && (
            <>
              <span class="ss-quiet" aria-hidden="true">
                ←
              </span>
              <span class="ss-unseen">from </span>
              <bdi>{visible(source)}</bdi>
            </>
          )}
          {isByWeights && <span class="ss-quiet">{roleOf(row)}</span>}
        </span>
        {isByWeights ? (
          <Multiple row={row} top={top} />
        ) : row.kind === "error" && Math.abs(row.score) < NOTHING * top ? (
          <span class="ss-circuit-nothing">≈ 0</span>
        ) : (
          <EffectBar value={row.score} top={top} unit={unit} />
        )}
      </div>
      {isOpen && row.layer !== null && row.head !== null && (
        <HeadDetails {...props} layer={row.layer} head={row.head} />
      )}
    </li>
  );
}

/** A strength by weights, as a multiple of that of other features; the tick is once. */
function Multiple({ row, top }: { row: CircuitRow; top: number }) {
  const ratio = ratioOf(row);
  if (ratio === undefined) return <span class="ss-circuit-value">{number(row.score)}</span>;
  const about = `${number(row.score)}; the mean of others is ${number(row.baseline ?? 0)}`;
  return (
    <span class="ss-circuit-multiple" title={about}>
      <span class="ss-circuit-value">{times(ratio)}</span>
      <span class="ss-circuit-bar" aria-hidden="true">
        <span style={{ width: `${(100 * ratio) / Math.max(top, 1)}%` }} />
        <i style={{ left: `${100 / Math.max(top, 1)}%` }} />
      </span>
    </span>
  );
}

interface FeaturesProps {
  rows: readonly CircuitRow[];
  briefs: readonly FeatureBrief[];
  wanted: Wanted;
  unit: string;
  choose: (feature: number) => void;
}

/** Features of another SAE: a click shows one in the panels of its own scope. */
export function FeatureRows({ rows, briefs, wanted, unit, choose }: FeaturesProps) {
  const byNumber = new Map(briefs.map((brief) => [brief.feature, brief]));
  const isByWeights = wanted.by === "weights";
  const top = Math.max(1e-12, ...rows.map((row) => Math.abs(row.score)));
  return (
    <ul class="ss-circuit-rows">
      {rows.map((row, i) => {
        const brief = byNumber.get(row.feature ?? -1);
        const ratio = ratioOf(row);
        return (
          <li key={i} class="ss-circuit-row ss-circuit-feature" title={featureAbout(row)}>
            {brief && <FeatureName brief={brief} choose={choose} />}
            <span class="ss-circuit-source">
              {isByWeights ? (
                <span class="ss-quiet">
                  {rowName(row)}
                  {ratio === undefined ? "" : ` ${times(ratio)}`}
                </span>
              ) : (
                row.text !== null && <bdi>{visible(row.text)}</bdi>
              )}
            </span>
            <EffectBar value={row.score} top={top} unit={isByWeights ? "" : unit} />
            {!isByWeights && <MethodTag method={row.is_exact ? "exact" : "estimate"} />}
          </li>
        );
      })}
    </ul>
  );
}

function featureAbout({ method, baseline, pos, is_exact: isExact }: CircuitRow): string {
  const at = pos === null ? "" : ` at position ${pos}`;
  const without = isExact && baseline !== null ? ` · ${number(baseline)} without it` : "";
  return `by ${method}${at}${without}`;
}

interface TokensProps {
  rows: readonly CircuitRow[];
  n: number;
  /** Of probabilities: with the feature, and without. */
  isOnText: boolean;
}

/** Tokens of the vocabulary: raised on the left, lowered on the right. */
export function TokenRows({ rows, n, isOnText }: TokensProps) {
  const raised = rows.filter(({ score }) => score > 0).slice(0, n);
  const lowered = rows.filter(({ score }) => score < 0).slice(0, n);
  const top = Math.max(1e-12, ...rows.map((row) => Math.abs(row.score)));
  const list = (name: string, found: CircuitRow[]) => (
    <div role="group" aria-label={`Tokens ${name} most`}>
      <h4>{name}</h4>
      {found.length === 0 && <p class="ss-quiet">none</p>}
      <ul>
        {found.map((row, i) => (
          <li key={i} class="ss-circuit-token" title={isOnText ? withAndWithout(row) : undefined}>
            <bdi>{visible(row.text ?? "")}</bdi>
            <EffectBar value={row.score} top={top} isBare />
            <span class="ss-circuit-value">{isOnText ? points(row.score) : change(row.score)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
  return (
    <div class="ss-circuit-tokens">
      {list("raised", raised)}
      {list("lowered", lowered)}
    </div>
  );
}

function withAndWithout({ score, baseline }: CircuitRow): string {
  const without = baseline ?? 0;
  return `probability ${probability(without)} without the feature, ${probability(without + score)} with it`;
}
