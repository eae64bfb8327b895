import { tableFromIPC } from "@uwdata/flechette";

/** One row of the feature table: its number, and of the rest what was asked for. */
export interface FeatureRow {
  feature: number;
  n_fires?: number;
  density?: number;
  max?: number;
  mean?: number;
  std?: number;
  q50?: number;
  /** Of crosscoders. */
  relative_norm?: number;
  place_cosine?: number;
  n_hits?: number;
  label?: string;
  status?: string;
  tags?: string[];
  /** What the first layer that has one calls it, and the layer's name. */
  layer?: string;
  layer_name?: string;
  histogram?: number[];
  top_tokens?: string[];
  promoted?: string[];
  suppressed?: string[];
}

/** The rows of a `features.window` answer: an Arrow IPC stream, or JSON in a snapshot. */
export function readRows(data: object, buffers: DataView[]): FeatureRow[] {
  const buffer = buffers[0];
  if (buffer) return rowsFromArrow(buffer);
  return "rows" in data && Array.isArray(data.rows) ? (data.rows as FeatureRow[]) : [];
}

function rowsFromArrow(buffer: DataView): FeatureRow[] {
  const whole = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const bytes = buffer.byteOffset % 8 === 0 ? whole : whole.slice(); // columns are read in place, at multiples of 8
  const table = tableFromIPC(bytes);
  return table.toArray().map((row: Record<string, unknown>) => {
    const cells = Object.entries(row).map(([name, value]) => [name, cell(value)]);
    return Object.fromEntries(cells) as FeatureRow;
  });
}

function cell(value: unknown): unknown {
  if (typeof value === "string" || value == null) return value ?? "";
  if (typeof value !== "object") return Number(value);
  return Array.from(value as Iterable<unknown>, (item) =>
    typeof item === "string" ? item : Number(item ?? 0),
  );
}

/** Numbers of 32 bits, as the kernel sends them. */
export function numbersOf(view: DataView | undefined): number[] {
  if (!view) return [];
  return Array.from({ length: view.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true));
}
