import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { codeOf, filtered, type Range, readQuery, type TableQuery, withoutRange } from "../../data/query.js";
import type { RowTable } from "../../data/table.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { TableFilter } from "../../protocol/generated.js";
import { useSlow, versionOf } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { Chips, isFiltered } from "./Chips.js";
import { ColumnChooser } from "./ColumnChooser.js";
import { columnsFor } from "./columns.js";
import { Foot } from "./Foot.js";
import { Grid } from "./Grid.js";
import { Ranges } from "./Ranges.js";
import { type Mode, SearchBar } from "./SearchBar.js";
import { usePicks } from "./usePicks.js";
import { usePlace } from "./usePlace.js";
import { useTable } from "./useTable.js";

/** What a person did in the table. */
export interface TableState {
  query?: Partial<TableQuery> | undefined;
  /** The columns chosen; without a choice those that suit the width. */
  columns?: string[] | undefined;
  isFiresOn?: boolean;
  isOnlyPicked?: boolean;
  showsFilters?: boolean;
}

const USUAL = ["label", "status", "n_fires", "density", "max", "mean", "top_tokens", "promoted", "histogram"];
const MOST_COMPARED = 4;

/** All features, sorted and filtered in the kernel; j and k go by its order. */
function TableView(props: ViewProps<TableState>) {
  const { client, info, shared, feature, choose, state, update, isReadOnly, openTab } = props;
  const query = useMemo(() => readQuery(state.query), [state.query]);
  const { filter } = query;
  const isOnlyPicked = state.isOnlyPicked === true;
  const asked = useMemo(
    () => (isOnlyPicked ? { ...query, filter: { ...filter, only: [...shared.picked] } } : query),
    [query, isOnlyPicked ? shared.picked : undefined],
  );
  const [width, setWidth] = useState(props.isNarrow ? 320 : 400);
  const suited = columnsFor(state.columns, width, filter, info.n_features);
  const columns = useMemo(() => suited, [suited.map((c) => c.name).join()]);
  const names = columns.map((c) => c.name);
  const wanted = [...new Set([...USUAL, ...names])].filter((n) => n !== "feature");
  const { table, problem, isWaiting, retry } = useTable(client, info, asked, wanted);
  const { place, target, move } = usePlace(client, info.id, feature, table);
  const picks = usePicks(client, info.id, shared, table, asked, names);
  const [isChoosing, setChoosing] = useState(false);
  const isSlow = useSlow(table.counts === undefined && table.error === undefined);
  const isLooking = useSlow(isWaiting);
  const change = (next: TableQuery) => update({ query: next });
  const latest = useRef(query);
  latest.current = query;
  const refilter = (part: Partial<TableFilter>) => {
    latest.current = filtered(latest.current, part);
    change(latest.current);
  };
  const setRange = (name: string, range: Range | undefined) => {
    const { ranges } = withoutRange(latest.current.filter, name);
    refilter({ ranges: range ? { ...ranges, [name]: range } : ranges });
  };
  const clear = () =>
    update({ query: filtered(query, readQuery({}).filter), isOnlyPicked: false, isFiresOn: false });
  const mode: Mode = state.isFiresOn ? "fires_on" : filter.looks_in;
  const setMode = (next: Mode) =>
    next === "fires_on"
      ? update({ isFiresOn: true })
      : update({ isFiresOn: false, query: filtered(latest.current, { looks_in: next }) });
  const cursor = useRef<number | undefined>(undefined);
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
  useKeys({
    j: ["next feature", () => step(1)],
    k: ["previous feature", () => step(-1)],
    ...(isReadOnly
      ? {}
      : {
          x: [
            "mark a feature",
            () => {
              const row = cursor.current;
              const marked = (row === undefined ? undefined : table.row(row)?.feature) ?? feature;
              if (marked !== undefined) picks.toggle(marked, row ?? 0, false);
            },
          ] as [string, () => void],
        }),
  });
  const first = table.row(0)?.feature;
  useEffect(() => {
    if (feature === undefined && first !== undefined) shared.open(first);
  }, [feature, first]);
  const nPicked = shared.picked.length;
  const actions = [
    {
      name: isOnlyPicked ? "show all" : "show only these",
      title: isOnlyPicked ? "Show the other features too." : "Show the marked features and no others.",
      run: () => update({ isOnlyPicked: !isOnlyPicked }),
    },
    ...(openTab
      ? [
          {
            name: "compare",
            title: "Put two to four marked features side by side.",
            isOff: nPicked < 2 || nPicked > MOST_COMPARED,
            run: () => openTab("compare"),
          },
        ]
      : []),
    {
      name: "copy numbers",
      title: "Copy the marked features' numbers.",
      run: () => copy(shared.picked.join(", "), picks.tell),
    },
    {
      name: "copy as Python",
      title: "Copy the call that gives the marked features as polars.",
      run: () => copy(`scope.find_features(only=[${shared.picked.join(", ")}])`, picks.tell),
    },
    {
      name: "save CSV",
      title: "Save the marked features, with the columns shown, as a CSV file.",
      run: () => picks.save(true),
    },
    {
      name: "unmark",
      title: "Take all marks away.",
      run: () => {
        shared.pick([]);
        update({ isOnlyPicked: false });
      },
    },
  ];
  const isRegexFault = problem?.data["what"] === "regex";
  const fault = isRegexFault ? problem : undefined;
  return (
    <section class="ss-table" aria-label="Features">
      {!isReadOnly && (
        <SearchBar filter={filter} mode={mode} setMode={setMode} change={refilter} problem={fault}>
          <button
            type="button"
            class="ss-toggle"
            aria-pressed={state.showsFilters === true}
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
      )}
      {isChoosing && (
        <ColumnChooser
          shown={names.filter((n) => n !== "feature" && n !== "n_hits")}
          hasChosen={state.columns !== undefined}
          choose={(chosen) => update({ columns: chosen })}
          close={() => setChoosing(false)}
        />
      )}
      {!isReadOnly && (
        <Chips
          filter={filter}
          mode={mode}
          counts={table.query.filter.fires_on === filter.fires_on ? table.counts : undefined}
          nOnlyPicked={isOnlyPicked ? nPicked : undefined}
          change={refilter}
          showAll={() => update({ isOnlyPicked: false })}
          clear={clear}
        />
      )}
      {!isReadOnly && state.showsFilters && (
        <Ranges
          client={client}
          scope={info.id}
          filter={asked.filter}
          names={names}
          version={versionOf(info)}
          change={refilter}
          setRange={setRange}
        />
      )}
      <div class="ss-grid-box">
        <Grid
          table={table}
          query={query}
          change={change}
          columns={columns}
          nFeatures={info.n_features}
          feature={feature}
          place={place}
          choose={open}
          picked={isReadOnly ? undefined : picks.picked}
          toggle={picks.toggle}
          cursor={cursor}
          isReadOnly={isReadOnly}
          setWidth={setWidth}
        />
        <GridState table={table} isSlow={isSlow} isGrowing={!info.is_complete} clear={clear} />
      </div>
      {problem && !isRegexFault && <Stale error={problem} retry={retry} />}
      {table.error && table.counts && <Stale error={table.error} retry={() => table.retry()} />}
      <Foot
        counts={table.counts}
        isReadOnly={isReadOnly}
        isOnlyPicked={isOnlyPicked}
        nPicked={nPicked}
        told={isLooking ? "looking …" : picks.told}
        pickAll={picks.pickAll}
        actions={actions}
        save={() => void picks.save(false)}
      />
    </section>
  );
}

function copy(text: string, tell: (text: string) => void): void {
  void navigator.clipboard?.writeText(text).then(
    () => tell("copied"),
    () => tell("the browser does not let it be copied"),
  );
}

interface StateProps {
  table: RowTable;
  isSlow: boolean;
  isGrowing: boolean;
  clear: () => void;
}

/** What stands in place of rows. */
function GridState({ table, isSlow, isGrowing, clear }: StateProps) {
  const { filter } = table.query;
  if (table.error && !table.counts) return <Failure error={table.error} retry={() => table.retry()} />;
  if (!table.counts) return isSlow ? <Skeleton lines={12} /> : null;
  if (table.counts.n_match > 0) return null;
  const { n_found } = table.counts;
  return (
    <Notice title={nothing(filter, n_found ?? null)}>
      {isGrowing && filter.search && (
        <p>While the index is built, numbers and labels are searched, not tokens.</p>
      )}
      {isFiltered({ ...filter, only: filter.only ?? null }) && (
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
  return filter.only?.length === 0 ? "Nothing is marked." : "No feature is like that.";
}

export const table: PanelView<TableState> = {
  title: "Features",
  about: "All features, to sort, filter and search.",
  View: TableView,
  initial: {},
  height_px: 480,
  hasFeature: false,
  code: ({ query, isOnlyPicked }) => codeOf(readQuery(query), isOnlyPicked === true),
};
