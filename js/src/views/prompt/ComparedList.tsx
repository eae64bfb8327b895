import { count, number } from "../../data/format.js";
import { EffectBar } from "../effects/EffectBar.js";
import { change, signClass } from "../effects/signed.js";
import type { PromptData } from "./data.js";
import { type ListProps, Name, useRows, walkRows } from "./Features.js";
import { metricName, metricUnit } from "./PromptCard.js";
import type { Compared, Shown } from "./rows.js";
import { LETTERS } from "./state.js";

interface Props extends ListProps {
  prompts: readonly PromptData[];
  rows: readonly Compared[];
}

/** Features on several texts, side by side: what each does in each text, and how that differs from the first. */
export function ComparedList({ prompts, rows, by, feature, choose, ablate, briefs, onRows }: Props) {
  const question = `${prompts.map(({ key }) => key).join()}/${by}`;
  const { shown, more } = useRows(rows, question, onRows);
  const top = Math.max(0, ...rows.flatMap((row) => row.shown.map(({ value }) => Math.abs(value ?? 0))));
  const columns = { "--ss-n": prompts.length };
  if (rows.length === 0) return <p class="ss-quiet ss-try-none">No feature fires on these texts.</p>;
  return (
    <div class="ss-prompt-list" style={columns} onKeyDown={walkRows}>
      <table class="ss-prompt-table">
        <thead>
          <tr class="ss-quiet">
            <th scope="col">{count(rows.length)} features</th>
            {prompts.map((prompt, i) => (
              <th
                key={i}
                scope="col"
                title={`+ raises, − lowers ${metricName(prompt)}, ${metricUnit(prompt)}`}
              >
                <b>{LETTERS[i]}</b> {metricName(prompt)}
              </th>
            ))}
            {prompts.slice(1).map((_, i) => (
              <th key={i} scope="col" class="ss-prompt-gap">
                {LETTERS[i + 1]} − {LETTERS[0]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr
              key={row.feature}
              class={row.feature === feature ? "ss-open" : ""}
              data-feature={row.feature}
              onClick={() => choose(row.feature)}
            >
              <th scope="row">
                <Name
                  feature={row.feature}
                  brief={briefs.get(row.feature)}
                  isOpen={row.feature === feature}
                  choose={choose}
                  ablate={ablate}
                />
                <Only row={row} />
              </th>
              {row.shown.map((shown, i) => (
                <Cell key={i} row={row} i={i} shown={shown} top={top} prompt={prompts[i]} />
              ))}
              {row.gaps.slice(1).map((gap, i) => (
                <td key={i} class={`ss-prompt-gap ${signClass(gap.value)}`} title={methodOf(gap)}>
                  {gap.isExact || gap.value === null ? "" : "≈ "}
                  {change(gap.value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more}
    </div>
  );
}

interface CellProps {
  row: Compared;
  i: number;
  shown: Shown;
  top: number;
  prompt: PromptData | undefined;
}

function Cell({ row, i, shown, top, prompt }: CellProps) {
  const own = row.rows[i];
  if (!own || !prompt)
    return (
      <td class="ss-prompt-silent">
        <span class="ss-quiet">does not fire</span>
      </td>
    );
  const { value, method, isExact } = shown;
  return (
    <td title={`activation ${number(own.activation)} · ${methodOf(shown)}`}>
      <span class="ss-prompt-rough" title={isExact ? "exact" : `estimate (${method})`}>
        {isExact || value === null ? "" : "≈"}
      </span>
      <EffectBar value={value} top={top} unit={`${metricUnit(prompt)}, ${methodOf(shown)}`} />
    </td>
  );
}

/** That a feature fires in some of the texts only. */
function Only({ row }: { row: Compared }) {
  const fires = LETTERS.filter((_, i) => row.rows[i] !== undefined);
  if (fires.length === row.rows.length) return null;
  return <span class="ss-prompt-only">only {fires.join(", ")}</span>;
}

function methodOf({ method, isExact }: Shown): string {
  return isExact ? "exact" : `estimate (${method})`;
}
