import { useEffect, useRef, useState } from "preact/hooks";
import { layoutOf, scrollFor, visible } from "../../data/layout.js";
import type { SaeRow } from "../../protocol/generated.js";
import type { Found } from "./useSearch.js";
import { l0, place, short, size, width } from "./words.js";

const ROW_PX = 44;

interface Props {
  found: Found;
  spec: string | undefined;
  choose: (row: SaeRow, isFinal: boolean) => void;
  /** Set to a function that moves by rows. */
  stepper: { current: ((delta: number) => void) | undefined };
  isStale: boolean;
}

let nMade = 0;

/** The SAEs that match; only the rows in sight are in the page. */
export function List({ found, spec, choose, stepper, isStale }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [id] = useState(() => `ss-pk-${++nMade}`);
  const { top, setTop, height } = useScroll(scroller);
  const [cursor, setCursor] = useState(0);
  const head = found.head;
  const nRows = head?.n_match ?? 0;
  const layout = layoutOf(nRows, ROW_PX, height);
  const range = visible(nRows, ROW_PX, height, top, layout);
  useEffect(() => found.show(range.first, range.end), [found, range.first, range.end]);
  useEffect(() => {
    if (!head) return;
    const at = head.rows.findIndex((row) => row.spec === spec);
    setCursor(Math.max(0, at));
    if (scroller.current) scroller.current.scrollTop = at < 0 ? 0 : scrollFor(at, ROW_PX, height, 0, layout);
  }, [head]);
  const go = (to: number, isFinal = false) => {
    if (nRows === 0) return;
    const at = Math.max(0, Math.min(nRows - 1, to));
    setCursor(at);
    const node = scroller.current;
    if (node) {
      node.scrollTop = scrollFor(at, ROW_PX, height, node.scrollTop, layout);
      setTop(node.scrollTop);
    }
    const row = found.row(at);
    if (row) choose(row, isFinal);
  };
  stepper.current = (delta) => go(cursor + (found.row(cursor)?.spec === spec ? delta : 0));
  const page = Math.max(1, Math.floor(height / ROW_PX) - 1);
  const steps: Record<string, number> = {
    ArrowDown: cursor + 1,
    ArrowUp: cursor - 1,
    PageDown: cursor + page,
    PageUp: cursor - page,
    Home: 0,
    End: nRows - 1,
  };
  const isShown = cursor >= range.first && cursor < range.end;
  return (
    <div
      ref={scroller}
      class="ss-pk-scroll"
      role="listbox"
      aria-label="SAEs"
      aria-activedescendant={nRows > 0 && isShown ? `${id}-${cursor}` : undefined}
      aria-busy={isStale}
      tabIndex={0}
      data-list
      onKeyDown={(event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const to = steps[event.key];
        if (to !== undefined) go(to);
        else if (event.key === "Enter") go(cursor, true);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div class="ss-pk-rows" role="presentation" style={{ height: `${layout.height}px` }}>
        {Array.from({ length: range.end - range.first }, (_, i) => {
          const at = range.first + i;
          const row = found.row(at);
          return (
            <div
              key={at}
              id={`${id}-${at}`}
              class={`ss-pk-row${at === cursor ? " ss-pk-cursor" : ""}`}
              role="option"
              aria-selected={row !== undefined && row.spec === spec}
              aria-setsize={nRows}
              aria-posinset={at + 1}
              style={{ top: `${top + range.y + i * ROW_PX}px`, height: `${ROW_PX}px` }}
              onClick={() => go(at, true)}
            >
              {row ? <Row row={row} /> : <span class="ss-pk-wait">…</span>}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Row({ row }: { row: SaeRow }) {
  const figures = [
    place(row.site, row.layer),
    row.width === null ? "width unknown" : width(row.width),
    row.architecture,
    row.l0 === null ? "" : `L0 ${l0(row.l0)}`,
  ];
  return (
    <>
      <span class="ss-pk-name">
        {row.release && <span class="ss-pk-release">{row.release}/</span>}
        <bdi class="ss-pk-id">{row.sae_id}</bdi>
      </span>
      <span class="ss-pk-size">{row.disk_bytes === null ? "" : size(row.disk_bytes)}</span>
      <span class="ss-pk-facts">
        <b>{short(row.model)}</b>
        {figures.filter(Boolean).map((text) => (
          <span key={text}>{text}</span>
        ))}
      </span>
      <span class="ss-pk-marks">
        {row.source === "folder" ? <i>own</i> : row.is_cached && <i>cached</i>}
        {row.has_labels && <i>labels</i>}
      </span>
    </>
  );
}

/** Where a scrolled element stands, and how high it is. */
function useScroll(scroller: { current: HTMLDivElement | null }) {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(440);
  useEffect(() => {
    const node = scroller.current;
    if (!node) return;
    const hear = () => setTop(node.scrollTop);
    node.addEventListener("scroll", hear, { passive: true });
    const observer =
      typeof ResizeObserver === "undefined"
        ? undefined
        : new ResizeObserver(([entry]) => entry && setHeight(entry.contentRect.height || 440));
    observer?.observe(node);
    return () => {
      node.removeEventListener("scroll", hear);
      observer?.disconnect();
    };
  }, []);
  return { top, setTop, height };
}
