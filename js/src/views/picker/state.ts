import { type Arg, literal } from "../../data/call.js";
import type { SaeFilter } from "../../protocol/generated.js";

/** What a person did in the picker. */
export interface PickerState {
  search?: string;
  filter?: Partial<SaeFilter>;
  /** The SAE that is shown in full. */
  spec?: string | undefined;
  /** The model to load it with, where a person typed one. */
  model?: string;
  showsFilters?: boolean;
}

/** The filters that take several values. */
export const SEVERAL = ["model", "site", "layer", "width", "architecture"] as const;
export type Several = (typeof SEVERAL)[number];

export const NOTHING: SaeFilter = {
  model: [],
  site: [],
  layer: [],
  width: [],
  architecture: [],
  l0_low: null,
  l0_high: null,
  has_labels: null,
  is_cached: null,
  source: null,
};

export function filterOf(state: PickerState): SaeFilter {
  return { ...NOTHING, ...state.filter };
}

/** How many filters are set. */
export function nSet(filter: SaeFilter): number {
  const others = [filter.has_labels, filter.is_cached, filter.source, filter.l0_low ?? filter.l0_high];
  return SEVERAL.filter((name) => filter[name].length > 0).length + others.filter((v) => v !== null).length;
}

/** A filter with a value put in, or taken out if it is in. */
export function toggled(filter: SaeFilter, name: Several, value: string | number): SaeFilter {
  const held = filter[name] as (string | number)[];
  const next = held.includes(value) ? held.filter((v) => v !== value) : [...held, value];
  return { ...filter, [name]: next };
}

/** The Python call that gives the list as polars. */
export function listCode(state: PickerState): string {
  const filter = filterOf(state);
  const one = (values: Arg[]) => (values.length === 1 ? values[0] : values);
  const args: [string, Arg | undefined][] = [
    ...SEVERAL.map((name): [string, Arg | undefined] => [
      name,
      filter[name].length ? one(filter[name]) : undefined,
    ]),
    ["has_labels", filter.has_labels ?? undefined],
    ["is_cached", filter.is_cached ?? undefined],
    ["source", filter.source ?? undefined],
  ];
  const said = args.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${literal(value)}`]));
  if (filter.l0_low !== null || filter.l0_high !== null)
    said.push(`l0=(${literal(filter.l0_low)}, ${literal(filter.l0_high)})`);
  return `saescope.registry(${[...(state.search?.trim() ? [literal(state.search.trim())] : []), ...said].join(", ")})`;
}
