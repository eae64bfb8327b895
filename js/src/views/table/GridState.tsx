import type { RowTable } from "../../data/table.js";
import type { TableFilter } from "../../protocol/generated.js";
import { Failure, Notice, Skeleton } from "../shell/Notice.js";
import { isFiltered } from "./Chips.js";

interface Props {
  table: RowTable;
  isSlow: boolean;
  isGrowing: boolean;
  clear: () => void;
}

/** What stands in place of rows. */
export function GridState({ table, isSlow, isGrowing, clear }: Props) {
  const { filter } = table.query;
  if (table.error && !table.counts) return <Failure error={table.error} retry={() => table.retry()} />;
  if (!table.counts) return isSlow ? <Skeleton lines={12} /> : null;
  if (table.counts.n_match > 0) return null;
  return (
    <Notice title={nothing(filter, table.counts.n_found ?? null)}>
      {isGrowing && filter.search && (
        <p>While the index is built, numbers and labels are searched, not tokens.</p>
      )}
      {isFiltered(filter) && (
        <button type="button" class="ss-button" onClick={clear}>
          Clear the filter
        </button>
      )}
    </Notice>
  );
}

function nothing(filter: TableFilter, n_found: number | null): string {
  const { search, fires_on, is_regex } = filter;
  if (fires_on && n_found === 0) return `“${fires_on}” does not occur in the indexed text.`;
  if (fires_on && !search) return `No stored example contains “${fires_on}” and meets the rest.`;
  if (search) return is_regex ? `Nothing matches /${search}/.` : `Nothing contains “${search}”.`;
  return filter.only?.length === 0 ? "None is marked or in the list." : "No feature is like that.";
}
