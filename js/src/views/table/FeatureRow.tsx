import type { ComponentChildren } from "preact";
import { count, density, number } from "../../data/format.js";
import type { FeatureRow } from "../../data/rows.js";
import type { Cells } from "../../plugins/useCells.js";
import { readable } from "../shell/FeatureName.js";
import { type Column, classOf } from "./columns.js";

export interface RowProps {
  id: string;
  row: number;
  y: number;
  data: FeatureRow | undefined;
  columns: readonly Column[];
  /** What columns of other labextensions hold. */
  cells: Cells | undefined;
  isOpen: boolean;
  isCursor: boolean;
  /** Whether it is marked; none where nothing can be. */
  isPicked: boolean | undefined;
}

/** One row of the table; empty while its data is on the way. Clicks are heard by the grid. */
export function FeatureRowView({ id, row, y, data, columns, cells, isOpen, isCursor, isPicked }: RowProps) {
  const classes = `ss-row${isOpen ? " ss-open" : ""}${isCursor ? " ss-cursor" : ""}${isPicked ? " ss-picked" : ""}`;
  return (
    <div
      id={id}
      class={classes}
      role="row"
      aria-rowindex={row + 2}
      aria-selected={isOpen}
      data-row={row}
      data-feature={data?.feature}
      draggable={data !== undefined}
      data-drag={data?.feature}
      style={{ transform: `translateY(${y}px)` }}
    >
      {isPicked !== undefined && (
        <span class="ss-pick-cell" role="gridcell">
          {data && (
            <input
              type="checkbox"
              data-mark
              tabIndex={-1}
              checked={isPicked}
              aria-label={`Mark feature ${data.feature}`}
            />
          )}
        </span>
      )}
      {columns.map((column) => (
        <span key={column.name} class={classOf(column)} role="gridcell">
          {data && (column.extra ? extraCell(cells?.[column.extra.name]) : cell(column.name, data, columns))}
        </span>
      ))}
    </div>
  );
}

function cell(name: string, data: FeatureRow, columns: readonly Column[]): ComponentChildren {
  const fires = data.n_fires !== 0;
  switch (name) {
    case "feature":
      return String(data.feature);
    case "density":
      return data.density === undefined ? "" : density(data.density);
    case "n_fires":
      if (data.n_fires === 0 && Number.isNaN(data.density)) return "–";
      return data.n_fires === undefined ? "" : count(data.n_fires);
    case "n_hits":
      return data.n_hits === undefined ? "" : count(data.n_hits);
    case "max":
    case "mean":
    case "std":
    case "q50":
      return data[name] === undefined ? "" : fires ? number(data[name]) : "–";
    case "relative_norm":
    case "place_cosine":
      return data[name] == null || Number.isNaN(data[name]) ? "" : number(data[name]);
    case "label":
      return data.label || (columns.some((c) => c.name === "layer") ? "" : fromElsewhere(data));
    case "tags":
      return data.tags?.map((tag) => (
        <span key={tag} class="ss-tag" dir="auto">
          {tag}
        </span>
      ));
    case "layer":
      return fromElsewhere(data);
    case "status":
      return data.status ? <span class={`ss-state ss-state-${data.status}`}>{data.status}</span> : "";
    case "top_tokens": {
      const pieces = tokens(data.top_tokens);
      if (columns.some((c) => c.name === "label") || !(data.label || data.layer)) return pieces;
      return [data.label ? <b key="label">{data.label}</b> : fromElsewhere(data), pieces];
    }
    case "promoted":
    case "suppressed":
      return tokens(data[name]);
    default:
      return null;
  }
}

function extraCell(value: string | number | null | undefined): string {
  return typeof value === "number" ? number(value) : (value ?? "");
}

/** A label that nobody gave here, with its source. */
function fromElsewhere({ layer, layer_name }: FeatureRow) {
  return layer ? (
    <i key="layer" class="ss-from-elsewhere" dir="auto" title={`From “${layer_name}”.`}>
      {layer}
    </i>
  ) : (
    ""
  );
}

function tokens(texts: readonly string[] | undefined) {
  return texts?.map((token, i) => (
    <bdi key={i} class="ss-token">
      {readable(token)}
    </bdi>
  ));
}
