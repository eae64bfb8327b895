import { defaultSort, type TableQuery } from "../../data/query.js";
import type { ExtraCells } from "../../plugins/useCells.js";
import { type Column, classOf } from "./columns.js";

interface Props {
  columns: readonly Column[];
  query: TableQuery;
  change: (query: TableQuery) => void;
  cells: ExtraCells;
  hasMarks: boolean;
  isReadOnly: boolean;
}

/** The column heads: a click sorts, a second one turns the order round, a third gives back the usual one. */
export function TableHead({ columns, query, change, cells, hasMarks, isReadOnly }: Props) {
  return (
    <div class="ss-row ss-head" role="row" aria-rowindex={1}>
      {hasMarks && (
        <span class="ss-pick-cell" role="columnheader" title="Mark features: x or Space, with Shift a range.">
          <span class="ss-sr">marked</span>
        </span>
      )}
      {columns.map((column) => {
        const { name, head, title, isSortable = true, extra } = column;
        const isSorted = query.sort === name;
        const problem = extra && cells.problem(extra.name);
        return (
          <span
            key={name}
            class={classOf(column)}
            role="columnheader"
            aria-sort={
              isSortable ? (isSorted ? (query.descending ? "descending" : "ascending") : "none") : undefined
            }
            title={title}
          >
            {problem !== undefined ? (
              <button
                type="button"
                title={`No values: ${problem} Click to ask again.`}
                onClick={() => cells.retry()}
              >
                <span aria-hidden="true">⚠ </span>
                {head}
                <span class="ss-sr"> failed: {problem}</span>
              </button>
            ) : isSortable && !isReadOnly ? (
              <button type="button" onClick={() => change({ ...query, ...nextSort(query, column) })}>
                {head}
                {isSorted && <span aria-hidden="true">{query.descending ? " ↓" : " ↑"}</span>}
              </button>
            ) : (
              head
            )}
          </span>
        );
      })}
    </div>
  );
}

/** What a click on a head makes of the order. */
export function nextSort(query: TableQuery, { name, kind }: Column): { sort: string; descending: boolean } {
  const natural = kind === "number" && name !== "feature";
  if (query.sort !== name) return { sort: name, descending: natural };
  if (query.descending === natural) return { sort: name, descending: !natural };
  return defaultSort(query.filter);
}
