import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import { layoutOf, scrollFor, visible } from "../../data/layout.js";
import type { RowTable, TableQuery } from "../../data/table.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { FeatureRowView } from "./FeatureRow.js";
import { RowHistograms } from "./RowHistograms.js";
import { SearchBox, TableHead } from "./TableHead.js";
import { type Place, usePlace } from "./usePlace.js";
import { useTable } from "./useTable.js";

export const ROW_PX = 26;

/** What a person did in the table. */
export interface TableState {
  query: TableQuery;
}

const QUERY: TableQuery = { sort: "max", descending: true, search: "", has_fired: false };

/** The table with its place in the selection: j and k go by its order. */
function TableView({
  client,
  info,
  shared,
  feature,
  choose,
  state,
  update,
  isReadOnly,
}: ViewProps<TableState>) {
  const { query } = state;
  const table = useTable(client, info, query);
  const { place, target, move } = usePlace(client, info.id, feature, table);
  const isSlow = useSlow(table.counts === undefined && table.error === undefined);
  const open = (next: number, at?: number) => {
    if (at !== undefined) move(at);
    choose(next);
  };
  const step = (delta: 1 | -1) => {
    const nRows = table.counts?.n_match ?? 0;
    const from = target.current ?? (feature === undefined ? undefined : table.rowOf(feature)) ?? -1;
    const to = Math.max(0, Math.min(nRows - 1, from + delta));
    if (to === target.current || nRows === 0) return;
    target.current = to;
    void table.featureAt(to).then((next) => next !== undefined && target.current === to && open(next, to));
  };
  useEffect(() => {
    shared.stepper = step;
    return () => {
      if (shared.stepper === step) shared.stepper = undefined;
    };
  });
  useKeys({ j: ["next feature", () => step(1)], k: ["previous feature", () => step(-1)] });
  const first = table.row(0)?.feature;
  useEffect(() => {
    if (feature === undefined && first !== undefined) shared.open(first);
  }, [feature, first]);
  return (
    <FeatureTable
      table={table}
      isSlow={isSlow}
      query={query}
      change={(part) => update({ query: { ...query, ...part } })}
      feature={feature}
      place={place}
      choose={open}
      isReadOnly={isReadOnly}
    />
  );
}

export const table: PanelView<TableState> = {
  title: "Features",
  about: "All features, to sort, filter and search.",
  View: TableView,
  initial: { query: QUERY },
  height_px: 480,
  hasFeature: false,
  code: () => "scope.features",
};

interface Props {
  table: RowTable;
  isSlow: boolean;
  query: TableQuery;
  change: (query: Partial<TableQuery>) => void;
  feature: number | undefined;
  place: Place;
  choose: (feature: number, row: number) => void;
  isReadOnly: boolean;
}

/** All features, sorted and filtered in the kernel; only the rows in sight are in the page. */
function FeatureTable({ table, isSlow, query, change, feature, place, choose, isReadOnly }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  useEffect(() => {
    const node = scroller.current;
    if (!node || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(
      () => node.clientHeight > ROW_PX && setHeight(node.clientHeight - ROW_PX),
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const nRows = table.counts?.n_match ?? 0;
  const layout = layoutOf(nRows, ROW_PX, height);
  const range = visible(nRows, ROW_PX, height, top, layout);
  useEffect(() => table.show(range.first, range.end), [table, range.first, range.end]);
  const { row } = place;
  const heightBefore = useRef(height);
  useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) return;
    const isResized = heightBefore.current !== height;
    const wasInSight =
      row !== undefined &&
      scrollFor(row, ROW_PX, heightBefore.current, node.scrollTop, layout) === node.scrollTop;
    heightBefore.current = height;
    if (isResized && !wasInSight) return;
    node.scrollTop = row === undefined ? 0 : scrollFor(row, ROW_PX, height, node.scrollTop, layout);
    setTop(node.scrollTop);
  }, [place, table, height]);
  const rows = Array.from({ length: range.end - range.first }, (_, i) => table.row(range.first + i));
  return (
    <section class="ss-table" aria-label="Features">
      {!isReadOnly && <SearchBox search={query.search} change={change} />}
      <div
        class="ss-scroll"
        ref={scroller}
        role="grid"
        aria-label="Features"
        aria-rowcount={nRows}
        tabIndex={-1}
        onScroll={(e) => setTop(e.currentTarget.scrollTop)}
      >
        <TableHead query={query} change={change} isReadOnly={isReadOnly} />
        <div class="ss-spacer" style={{ height: `${layout.height}px` }}>
          <div class="ss-window" style={{ height: `${Math.min(height, nRows * ROW_PX)}px` }}>
            {rows.map((data, i) => (
              <FeatureRowView
                key={range.first + i}
                row={range.first + i}
                y={range.y + i * ROW_PX}
                data={data}
                isOpen={data !== undefined && data.feature === feature}
                choose={choose}
              />
            ))}
            <RowHistograms rows={rows} y={range.y} height={height} />
          </div>
        </div>
        <TableState table={table} query={query} change={change} isSlow={isSlow} />
      </div>
      {table.error && table.counts && <Stale error={table.error} retry={() => table.retry()} />}
      <TableFoot table={table} query={query} change={change} isReadOnly={isReadOnly} />
    </section>
  );
}

type Part = Pick<Props, "table" | "query" | "change">;

function TableState({ table, query, change, isSlow }: Part & { isSlow: boolean }) {
  if (table.error && !table.counts) return <Failure error={table.error} retry={() => table.retry()} />;
  if (!table.counts) return isSlow ? <Skeleton lines={12} /> : null;
  if (table.counts.n_match > 0) return null;
  return (
    <Notice title={query.search ? `Nothing contains “${query.search}”.` : "No feature has fired."}>
      <button type="button" class="ss-button" onClick={() => change({ search: "", has_fired: false })}>
        Clear the filter
      </button>
    </Notice>
  );
}

function TableFoot({ table, query, change, isReadOnly }: Part & { isReadOnly: boolean }) {
  const counts = table.counts;
  const isFiltered = counts !== undefined && counts.n_match !== counts.n_features;
  return (
    <div class="ss-foot">
      <span role="status">
        {counts ? `${count(counts.n_features)} features` : ""}
        {isFiltered && ` · ${count(counts.n_match)} ${isReadOnly ? "stored" : "match"}`}
      </span>
      {!isReadOnly && (
        <label title="Hide the features that never fire on the indexed text.">
          <input
            type="checkbox"
            checked={query.has_fired}
            onChange={(e) => change({ has_fired: e.currentTarget.checked })}
          />
          only those that fire
        </label>
      )}
    </div>
  );
}
