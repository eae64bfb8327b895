import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { codeOf, readQuery } from "../../data/query.js";
import type { PanelView } from "../../panels/panel.js";
import { atOf } from "../../plugins/at.js";
import { useExtras } from "../../plugins/usePlugins.js";
import { useSlow, versionOf } from "../shell/hooks.js";
import { Stale } from "../shell/Notice.js";
import { AddToList } from "./AddToList.js";
import { actionsOf } from "./actions.js";
import { Controls } from "./Controls.js";
import { columnsFor, extraColumns } from "./columns.js";
import { Foot } from "./Foot.js";
import { Grid } from "./Grid.js";
import { GridState } from "./GridState.js";
import { Ranges } from "./Ranges.js";
import type { TableProps, TableState } from "./state.js";
import { usePicks } from "./usePicks.js";
import { useQuery } from "./useQuery.js";
import { useSteps } from "./useSteps.js";
import { useTable } from "./useTable.js";

const USUAL = [
  "label",
  "status",
  "layer",
  "layer_name",
  "n_fires",
  "density",
  "max",
  "mean",
  "top_tokens",
  "promoted",
  "histogram",
];

/** All features, sorted and filtered in the kernel; only the rows in sight are in the page. */
function TableView(props: TableProps) {
  const { client, info, shared, feature, state, isReadOnly } = props;
  const own = useQuery(props);
  const { query, asked } = own;
  const [width, setWidth] = useState(props.isNarrow ? 320 : 400);
  const extras = useExtras().columns;
  const extra = useMemo(() => extraColumns(isReadOnly ? [] : extras), [extras, isReadOnly]);
  const at = useMemo(() => atOf(client, () => info), [client, info.id]);
  const hasPlaces = (info.places ?? []).length > 1;
  const suited = columnsFor(state.columns, width, query.filter, info.n_features, hasPlaces, extra);
  const columns = useMemo(() => suited, [suited.map((c) => c.name).join(), extra]);
  const shown = columns.map((c) => c.name);
  const names = columns.filter((c) => !c.extra).map((c) => c.name);
  const wanted = [...new Set([...USUAL, ...names])].filter((n) => n !== "feature");
  const { table, problem, isWaiting, retry } = useTable(client, info, asked, wanted);
  const picks = usePicks(client, info.id, shared, table, asked, names);
  const cursor = useRef<number | undefined>(undefined);
  const { place, open } = useSteps(props, table, picks, cursor);
  const isSlow = useSlow(table.counts === undefined && table.error === undefined);
  const isLooking = useSlow(isWaiting);
  useEffect(() => shared.setTable(asked), [shared, asked]);
  useEffect(() => () => shared.setTable(undefined), [shared]);
  const isRegexFault = problem?.data["what"] === "regex";
  return (
    <section class="ss-table" aria-label="Features">
      {!isReadOnly && (
        <Controls
          {...props}
          own={own}
          names={shown}
          extras={extra}
          table={table}
          fault={isRegexFault ? problem : undefined}
        />
      )}
      {!isReadOnly && state.showsFilters && (
        <Ranges
          client={client}
          scope={info.id}
          filter={asked.filter}
          names={names}
          version={versionOf(info)}
          list={state.list}
          setList={(list) => props.update({ list, isOnlyPicked: false })}
          change={own.refilter}
          setRange={own.setRange}
        />
      )}
      <div class="ss-grid-box">
        <Grid
          table={table}
          query={query}
          change={own.change}
          columns={columns}
          at={at}
          version={versionOf(info)}
          nFeatures={info.n_features}
          feature={feature}
          place={place}
          choose={open}
          expect={(next) => shared.expect(next)}
          picked={isReadOnly ? undefined : picks.picked}
          toggle={picks.toggle}
          cursor={cursor}
          isReadOnly={isReadOnly}
          setWidth={setWidth}
        />
        <GridState table={table} isSlow={isSlow} isGrowing={!info.is_complete} clear={own.clear} />
      </div>
      {problem && !isRegexFault && <Stale error={problem} retry={retry} />}
      {table.error && table.counts && <Stale error={table.error} retry={() => table.retry()} />}
      <Foot
        counts={table.counts}
        isReadOnly={isReadOnly}
        nPicked={shared.picked.length}
        told={isLooking ? "looking …" : picks.told}
        pickAll={picks.pickAll}
        actions={actionsOf(props, picks)}
        save={() => void picks.save(false)}
      >
        <AddToList client={client} scope={info.id} features={shared.picked} tell={picks.tell} />
      </Foot>
    </section>
  );
}

export const table: PanelView<TableState> = {
  title: "Features",
  about: "All features, to sort, filter and search.",
  View: TableView,
  initial: {},
  height_px: 480,
  hasFeature: false,
  code: ({ query, isOnlyPicked, list }) => codeOf(readQuery(query), isOnlyPicked === true, list),
};
