import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { layoutOf, OVERSCAN, scrollFor, visible } from "../../data/layout.js";
import type { TableQuery } from "../../data/query.js";
import type { RowTable } from "../../data/table.js";
import type { PluginAt } from "../../plugins/surface.js";
import { useCells } from "../../plugins/useCells.js";
import { type Column, templateOf } from "./columns.js";
import { FeatureRowView, type RowProps } from "./FeatureRow.js";
import { RowHistograms } from "./RowHistograms.js";
import { TableHead } from "./TableHead.js";
import type { Place } from "./usePlace.js";
import { useResting } from "./useResting.js";

export const ROW_PX = 26;

interface Props {
  table: RowTable;
  query: TableQuery;
  change: (query: TableQuery) => void;
  columns: readonly Column[];
  /** What columns of other labextensions ask. */
  at: PluginAt;
  version: string;
  nFeatures: number;
  feature: number | undefined;
  place: Place;
  choose: (feature: number, row: number) => void;
  /** A feature is pointed at, or pressed. */
  expect: (feature: number) => void;
  picked: ReadonlySet<number> | undefined;
  toggle: (feature: number, row: number, isRange: boolean) => void;
  /** The row that keys act on. */
  cursor: RefObject<number | undefined>;
  isReadOnly: boolean;
  setWidth: (px: number) => void;
}

let nMade = 0;

/** The rows in sight, and the keys that go through them. */
export function Grid(props: Props) {
  const { table, query, change, columns, feature, place, choose, picked, toggle, cursor, isReadOnly } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [id] = useState(() => `ss-grid-${++nMade}`);
  const [, redraw] = useState(0);
  const { top, height, node } = useScroll(scroller, props.setWidth);
  const nRows = table.counts?.n_match ?? 0;
  const layout = layoutOf(nRows, ROW_PX, height);
  const range = visible(nRows, ROW_PX, height, top.value, layout);
  useEffect(() => table.show(range.first, range.end), [table, range.first, range.end, table.version]);
  const goTo = (row: number | undefined) => {
    if (!node.current) return;
    node.current.scrollTop =
      row === undefined ? 0 : scrollFor(row, ROW_PX, height, node.current.scrollTop, layout);
    top.set(node.current.scrollTop);
  };
  const heightBefore = useRef(height);
  useLayoutEffect(() => {
    const { row } = place;
    const before = heightBefore.current;
    heightBefore.current = height;
    if (!node.current) return;
    // as last heard: asking the element would have the page laid out at once
    const now = top.value;
    const wasInSight = row !== undefined && scrollFor(row, ROW_PX, before, now, layout) === now;
    if (before !== height && !wasInSight) return;
    if (before !== height || !wasInSight) goTo(row);
    if (before !== height || cursor.current === row) return;
    cursor.current = row;
    redraw((n) => n + 1);
  }, [place, table, height]);
  const expect = (row: number) => {
    const data = table.row(row);
    if (data) props.expect(data.feature);
  };
  const rest = useResting(expect);
  const moveCursor = (row: number) => {
    if (nRows === 0) return;
    cursor.current = Math.max(0, Math.min(nRows - 1, row));
    rest(cursor.current);
    goTo(cursor.current);
    redraw((n) => n + 1);
  };
  const { grid, least_px } = templateOf(columns, picked !== undefined, props.nFeatures);
  const rows = Array.from({ length: range.end - range.first }, (_, i) => table.row(range.first + i));
  const extras = useMemo(() => columns.flatMap((c) => c.extra ?? []), [columns]);
  const inSight = extras.length === 0 ? [] : rows.flatMap((data) => data?.feature ?? []);
  const cells = useCells(extras, inSight, props.at, props.version);
  const drawn = useRows(Math.ceil(height / ROW_PX) + 2 * OVERSCAN);
  const base = Math.floor(range.first / 1000) * 1000;
  const cursorRow = cursor.current;
  return (
    <div
      class="ss-scroll"
      ref={scroller}
      role="grid"
      aria-label="Features"
      aria-rowcount={nRows + 1}
      aria-multiselectable={false}
      aria-activedescendant={
        cursorRow !== undefined && cursorRow >= range.first && cursorRow < range.end
          ? `${id}-${cursorRow}`
          : undefined
      }
      tabIndex={0}
      style={{ "--ss-grid": grid, "--ss-least": `${least_px}px` }}
      onKeyDown={(event) => {
        const at = cursor.current ?? -1;
        const page = Math.max(1, Math.floor(height / ROW_PX) - 1);
        const to: Record<string, number> = {
          ArrowDown: at + 1,
          ArrowUp: at - 1,
          PageDown: at + page,
          PageUp: at - page,
          Home: 0,
          End: nRows - 1,
        };
        const own = event.target === event.currentTarget && !event.ctrlKey && !event.metaKey && !event.altKey;
        const next = to[event.key];
        const data = table.row(at);
        if (!own) return;
        if (next !== undefined) moveCursor(next);
        else if (event.key === "Enter" && data) choose(data.feature, at);
        else if (event.key === " " && data && picked) toggle(data.feature, at, event.shiftKey);
        else return;
        event.preventDefault();
      }}
      onMouseOver={(event) => rest(rowAt(event))}
      onMouseLeave={() => rest(undefined)}
      onPointerDown={(event) => expect(rowAt(event) ?? -1)}
      onMouseDown={(event) => {
        if (event.shiftKey && rowAt(event)) event.preventDefault();
      }}
      onClick={(event) => {
        const row = rowAt(event);
        const data = row === undefined ? undefined : table.row(row);
        if (row === undefined || !data) return;
        cursor.current = row;
        const isMark =
          event.target instanceof HTMLInputElement || (event.target as Element).closest(".ss-pick-cell");
        if (picked && (isMark || event.shiftKey)) {
          toggle(data.feature, row, event.shiftKey);
          if (isMark) event.currentTarget.focus({ preventScroll: true });
          redraw((n) => n + 1);
        } else choose(data.feature, row);
      }}
    >
      <TableHead
        columns={columns}
        query={query}
        change={change}
        cells={cells}
        hasMarks={picked !== undefined}
        isReadOnly={isReadOnly}
      />
      <div class="ss-spacer" role="presentation" style={{ height: `${layout.height}px` }}>
        <div
          class="ss-window"
          role="presentation"
          style={{ height: `${Math.min(height, nRows * ROW_PX)}px` }}
        >
          <div
            class="ss-rows"
            role="presentation"
            style={{ transform: `translateY(${range.y - (range.first - base) * ROW_PX}px)` }}
          >
            {rows.map((data, i) => {
              const row = range.first + i;
              return drawn({
                id: `${id}-${row}`,
                row,
                y: (row - base) * ROW_PX,
                data,
                columns,
                cells: data && cells.of(data.feature),
                isOpen: data !== undefined && data.feature === feature,
                isCursor: row === cursorRow,
                isPicked: picked && data !== undefined ? picked.has(data.feature) : picked && false,
              });
            })}
            {columns.some((c) => c.kind === "bins") && (
              <RowHistograms rows={rows} y={(range.first - base) * ROW_PX} row_px={ROW_PX} />
            )}
          </div>
        </div>
      </div>
    </div>
  );
}

function rowAt(event: Event): number | undefined {
  const node = event.target instanceof Element ? event.target.closest("[data-row]") : null;
  return node ? Number(node.getAttribute("data-row")) : undefined;
}

type Drawn = { props: RowProps; node: ReturnType<typeof FeatureRowView> };

const POOL = 32;

/** Draws rows; one whose data, place and state are as before is left alone, one that went out of sight is used anew. */
function useRows(nShown: number): (props: RowProps) => ReturnType<typeof FeatureRowView> {
  const before = useRef(new Map<number, Drawn>());
  const now = new Map<number, Drawn>();
  const nNodes = Math.ceil((nShown + 1) / POOL) * POOL;
  useEffect(() => {
    before.current = now;
  });
  return (props) => {
    const last = before.current.get(props.row);
    const drawn =
      last && isSame(last.props, props)
        ? last
        : { props, node: <FeatureRowView key={props.row % nNodes} {...props} /> };
    now.set(props.row, drawn);
    return drawn.node;
  };
}

function isSame(a: RowProps, b: RowProps): boolean {
  return (Object.keys(b) as (keyof RowProps)[]).every((name) => a[name] === b[name]);
}

interface Scroll {
  top: { value: number; set: (px: number) => void };
  height: number;
  node: RefObject<HTMLDivElement | null>;
}

/** Where a box is scrolled to, told at most once a frame, and how much of it is in sight. */
function useScroll(node: RefObject<HTMLDivElement | null>, setWidth: (px: number) => void): Scroll {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(400);
  useEffect(() => {
    const { current } = node;
    if (!current) return;
    let frame = 0;
    const onScroll = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setTop(current.scrollTop);
      });
    };
    current.addEventListener("scroll", onScroll, { passive: true });
    const observer =
      typeof ResizeObserver === "undefined"
        ? undefined
        : new ResizeObserver(() => {
            if (current.clientHeight > ROW_PX) setHeight(current.clientHeight - ROW_PX);
            if (current.clientWidth > 0) setWidth(current.clientWidth);
          });
    observer?.observe(current);
    return () => {
      cancelAnimationFrame(frame);
      current.removeEventListener("scroll", onScroll);
      observer?.disconnect();
    };
  }, []);
  return { top: { value: top, set: setTop }, height, node };
}
