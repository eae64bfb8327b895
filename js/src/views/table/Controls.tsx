import { useState } from "preact/hooks";
import type { RowTable } from "../../data/table.js";
import type { RequestError } from "../../protocol/client.js";
import { Chips } from "./Chips.js";
import { ColumnChooser } from "./ColumnChooser.js";
import type { Column } from "./columns.js";
import { SearchBar } from "./SearchBar.js";
import type { TableProps } from "./state.js";
import type { Query } from "./useQuery.js";

interface Props extends TableProps {
  own: Query;
  names: readonly string[];
  /** The columns of other labextensions. */
  extras: readonly Column[];
  table: RowTable;
  fault: RequestError | undefined;
}

/** The search box with its buttons, the choice of columns, and what holds rows back. */
export function Controls({ info, own, names, extras, table, fault, state, update, shared }: Props) {
  const [isChoosing, setChoosing] = useState(false);
  const { filter } = own.query;
  const isCurrent = table.query.filter.fires_on === filter.fires_on;
  return (
    <>
      <SearchBar filter={filter} mode={own.mode} setMode={own.setMode} change={own.refilter} problem={fault}>
        <button
          type="button"
          class="ss-toggle"
          aria-expanded={state.showsFilters === true}
          title="Ranges by histogram, and kinds of features to leave out."
          onClick={() => update({ showsFilters: !state.showsFilters })}
        >
          filter
        </button>
        <button
          type="button"
          class="ss-toggle"
          data-columns
          aria-expanded={isChoosing}
          title="Add and take away columns."
          onClick={() => setChoosing(!isChoosing)}
        >
          columns
        </button>
      </SearchBar>
      {isChoosing && (
        <ColumnChooser
          shown={names.filter((n) => n !== "feature" && n !== "n_hits")}
          extras={extras}
          hasChosen={state.columns !== undefined}
          choose={(columns) => update({ columns })}
          close={() => setChoosing(false)}
          hasPlaces={(info.places ?? []).length > 1}
        />
      )}
      <Chips
        filter={filter}
        mode={own.mode}
        counts={isCurrent ? table.counts : undefined}
        nOnlyPicked={state.isOnlyPicked ? shared.picked.length : undefined}
        list={state.list}
        change={own.refilter}
        showAll={() => update({ isOnlyPicked: false, list: undefined })}
        clear={own.clear}
      />
    </>
  );
}
