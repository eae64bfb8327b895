import { tableFromIPC } from "@uwdata/flechette";

/** One row of the feature table. */
export interface FeatureRow {
  feature: number;
  n_fires: number;
  density: number;
  max: number;
  mean: number;
  histogram: number[];
  top_tokens: string[];
  promoted: string[];
}

/** The rows of a `features.window` answer: an Arrow IPC stream, or JSON in a snapshot. */
export function readRows(data: object, buffers: DataView[]): FeatureRow[] {
  const buffer = buffers[0];
  if (buffer) return rowsFromArrow(buffer);
  return "rows" in data && Array.isArray(data.rows) ? (data.rows as FeatureRow[]) : [];
}

function rowsFromArrow(buffer: DataView): FeatureRow[] {
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const table = tableFromIPC(bytes);
  return table.toArray().map((row: Record<string, unknown>) => ({
    feature: Number(row.feature),
    n_fires: Number(row.n_fires),
    density: Number(row.density),
    max: Number(row.max),
    mean: Number(row.mean),
    histogram: numbers(row.histogram),
    top_tokens: strings(row.top_tokens),
    promoted: strings(row.promoted),
  }));
}

function numbers(list: unknown): number[] {
  return Array.from((list as Iterable<number | bigint> | null) ?? [], Number);
}

function strings(list: unknown): string[] {
  return Array.from((list as Iterable<unknown> | null) ?? [], String);
}
