import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { SaeFacet, SaeFilter } from "../../protocol/generated.js";
import { NOTHING, nSet, type Several, toggled } from "./state.js";
import { SITES, short, width } from "./words.js";

interface Props {
  facets: readonly SaeFacet[];
  filter: SaeFilter;
  change: (filter: SaeFilter) => void;
}

interface Value {
  value: string | number;
  n: number;
}

const FEW = 8;

/** The filters, each value with how many SAEs it leaves. */
export function Facets({ facets, filter, change }: Props) {
  const valuesOf = (name: string): Value[] => {
    const found = facets.find((facet) => facet.name === name)?.values ?? [];
    return found.flatMap(({ value, n }) => (value === "" ? [] : [{ value: JSON.parse(value), n }]));
  };
  const group = (name: Several, title: string, text: (value: string | number) => string, isChips = false) => (
    <Group
      title={title}
      values={withHeld(valuesOf(name), filter[name])}
      held={filter[name]}
      text={text}
      isChips={isChips}
      toggle={(value) => change(toggled(filter, name, value))}
    />
  );
  const yes = (name: "has_labels" | "is_cached") =>
    facets.find((f) => f.name === name)?.values.find((v) => v.value === "true")?.n ?? 0;
  const own = facets.find((f) => f.name === "source")?.values.find((v) => v.value === '"folder"')?.n ?? 0;
  return (
    <div class="ss-pk-facets">
      <fieldset>
        <legend>Only</legend>
        <Check
          label="own, on this disk"
          n={own}
          isOn={filter.source === "folder"}
          toggle={(is) => change({ ...filter, source: is ? "folder" : null })}
        />
        <Check
          label="cached here"
          n={yes("is_cached")}
          isOn={filter.is_cached === true}
          toggle={(is) => change({ ...filter, is_cached: is ? true : null })}
        />
        <Check
          label="has labels"
          title="Neuronpedia has a page for it, most of them with labels."
          n={yes("has_labels")}
          isOn={filter.has_labels === true}
          toggle={(is) => change({ ...filter, has_labels: is ? true : null })}
        />
      </fieldset>
      {group("model", "Model", (v) => short(String(v)))}
      {group("site", "Site", (v) => SITES[String(v)] ?? String(v))}
      {group("layer", "Layer", String, true)}
      {group("width", "Width", (v) => width(Number(v)), true)}
      {group("architecture", "Architecture", String)}
      <fieldset>
        <legend>L0, as published</legend>
        <span class="ss-pk-range">
          <Bound label="L0 from" value={filter.l0_low} set={(l0_low) => change({ ...filter, l0_low })} />
          <span aria-hidden="true">to</span>
          <Bound label="L0 to" value={filter.l0_high} set={(l0_high) => change({ ...filter, l0_high })} />
        </span>
      </fieldset>
      {nSet(filter) > 0 && (
        <button type="button" class="ss-button" onClick={() => change(NOTHING)}>
          Clear filters
        </button>
      )}
    </div>
  );
}

/** Values that are held stay in sight when nothing is left of them. */
function withHeld(values: Value[], held: readonly (string | number)[]): Value[] {
  const lost = held.filter((v) => !values.some((value) => value.value === v));
  return [...values, ...lost.map((value) => ({ value, n: 0 }))];
}

interface GroupProps {
  title: string;
  values: Value[];
  held: readonly (string | number)[];
  text: (value: string | number) => string;
  isChips: boolean;
  toggle: (value: string | number) => void;
}

function Group({ title, values, held, text, isChips, toggle }: GroupProps) {
  const [isWhole, setWhole] = useState(false);
  if (values.length === 0) return null;
  const ranked = isChips ? values : [...values].sort((a, b) => b.n - a.n);
  const some = ranked.filter(({ value }, i) => i < FEW || held.includes(value));
  const shown = isChips || isWhole || values.length <= FEW + 1 ? ranked : some;
  return (
    <fieldset>
      <legend>{title}</legend>
      {isChips ? (
        <div class="ss-pk-chips">
          {shown.map(({ value, n }) => (
            <button
              key={value}
              type="button"
              aria-pressed={held.includes(value)}
              aria-label={`${title} ${text(value)}: ${count(n)}`}
              title={`${count(n)} SAEs`}
              onClick={() => toggle(value)}
            >
              {text(value)}
            </button>
          ))}
        </div>
      ) : (
        shown.map(({ value, n }) => (
          <Check
            key={value}
            label={text(value)}
            title={String(value)}
            n={n}
            isOn={held.includes(value)}
            toggle={() => toggle(value)}
          />
        ))
      )}
      {!isChips && values.length > FEW + 1 && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-expanded={isWhole}
          onClick={() => setWhole(!isWhole)}
        >
          {isWhole ? "fewer" : `all ${count(values.length)}`}
        </button>
      )}
    </fieldset>
  );
}

interface CheckProps {
  label: string;
  title?: string;
  n: number;
  isOn: boolean;
  toggle: (is: boolean) => void;
}

function Check({ label, title, n, isOn, toggle }: CheckProps) {
  return (
    <label class="ss-pk-check" title={title}>
      <input type="checkbox" checked={isOn} onChange={(event) => toggle(event.currentTarget.checked)} />
      <span class="ss-pk-check-name">{label}</span>
      <span class="ss-pk-n">{count(n)}</span>
    </label>
  );
}

interface BoundProps {
  label: string;
  value: number | null;
  set: (value: number | null) => void;
}

function Bound({ label, value, set }: BoundProps) {
  const take = (text: string) => {
    const n = Number(text);
    set(text.trim() === "" || !Number.isFinite(n) ? null : n);
  };
  return (
    <input
      type="number"
      min="0"
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => take(event.currentTarget.value)}
    />
  );
}
