import { useRef } from "preact/hooks";
import { count } from "../../data/format.js";
import type { BareProps, PanelView } from "../../panels/panel.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { Details } from "./Details.js";
import { Facets } from "./Facets.js";
import { List } from "./List.js";
import { filterOf, listCode, NOTHING, nSet, type PickerState } from "./state.js";
import { useSearch } from "./useSearch.js";

type Props = Omit<BareProps<PickerState>, "panel"> & { panel?: string };

/** Any pretrained SAE: search and filters left, the list, and one in full. */
function PickerView({ client, panel = "", state, update, isNarrow }: Props) {
  const search = state.search ?? "";
  const filter = filterOf(state);
  const found = useSearch(client, search, filter);
  const stepper = useRef<((delta: number) => void) | undefined>(undefined);
  const root = useRef<HTMLDivElement>(null);
  const { head } = found;
  const isSlow = useSlow(found.isWaiting);
  useKeys({
    j: ["next SAE", () => stepper.current?.(1)],
    k: ["previous SAE", () => stepper.current?.(-1)],
  });
  const showsFilters = isNarrow ? state.showsFilters === true : state.showsFilters !== false;
  const showsOne = state.spec !== undefined;
  const toList = () => {
    root.current?.querySelector<HTMLElement>("[data-list]")?.focus();
    stepper.current?.(0);
  };
  return (
    <div
      ref={root}
      class={`ss-picker${showsFilters ? " ss-pk-with-facets" : ""}${showsOne ? " ss-pk-with-one" : ""}`}
    >
      <div class="ss-pk-bar">
        <input
          type="search"
          data-box="search"
          aria-label="Search SAEs"
          placeholder="gemma 2b res 16k layer 12"
          value={search}
          spellcheck={false}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            update(isNarrow ? { search: typed, spec: undefined } : { search: typed });
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "Enter") {
              event.preventDefault();
              toList();
            }
          }}
        />
        <button
          type="button"
          class="ss-quiet-button"
          aria-expanded={showsFilters}
          onClick={() => update({ showsFilters: !showsFilters })}
        >
          filters{nSet(filter) > 0 ? ` (${nSet(filter)})` : ""}
        </button>
        <span class="ss-pk-count" role="status">
          {head && `${count(head.n_match)} of ${count(head.n_all)} SAEs`}
        </span>
        {head?.is_offline && (
          <span class="ss-pk-offline" title="huggingface_hub is set to ask no network: HF_HUB_OFFLINE.">
            offline: only own and cached ones can be loaded
          </span>
        )}
        <button
          type="button"
          class="ss-quiet-button"
          title="Look through the cache and the folders again."
          onClick={found.refresh}
        >
          look again
        </button>
      </div>
      <div class="ss-pk-body">
        {showsFilters && head && (
          <Facets facets={head.facets} filter={filter} change={(next) => update({ filter: next })} />
        )}
        <div class={`ss-pk-list${isSlow && head ? " ss-pk-stale" : ""}`}>
          {found.error && !head && <Failure error={found.error} retry={found.refresh} />}
          {found.error && head && <Stale error={found.error} retry={found.refresh} />}
          {found.staleError && <Stale error={found.staleError} retry={found.refresh} />}
          {!head && !found.error && isSlow && (
            <>
              <p class="ss-quiet">Reading sae-lens's list; the first time takes a second or two.</p>
              <Skeleton lines={12} />
            </>
          )}
          {head && head.n_match > 0 && (
            <List
              found={found}
              spec={state.spec}
              stepper={stepper}
              isStale={isSlow}
              choose={(row) => update({ spec: row.spec, model: "" })}
            />
          )}
          {head && head.n_match === 0 && (
            <NoMatch
              missed={head.missed}
              search={search}
              isFiltered={nSet(filter) > 0}
              set={(text) => update({ search: text })}
              clear={() => update({ filter: NOTHING })}
            />
          )}
        </div>
        {state.spec !== undefined && (
          <Details
            client={client}
            panel={panel}
            spec={state.spec}
            model={state.model ?? ""}
            setModel={(model) => update({ model })}
            close={isNarrow ? () => update({ spec: undefined }) : undefined}
          />
        )}
      </div>
    </div>
  );
}

interface NoMatchProps {
  missed: readonly string[];
  search: string;
  isFiltered: boolean;
  set: (search: string) => void;
  clear: () => void;
}

/** Why nothing is found, and what to do. */
function NoMatch({ missed, search, isFiltered, set, clear }: NoMatchProps) {
  const without = search
    .split(/\s+/)
    .filter((word) => !missed.includes(word.toLowerCase()))
    .join(" ");
  const title =
    missed.length > 0
      ? `No SAE has “${missed.join("”, “")}”.`
      : search
        ? "No SAE has all of these words."
        : "No SAE matches.";
  return (
    <Notice title={title}>
      {missed.length > 0 && without !== search && (
        <button type="button" class="ss-button" onClick={() => set(without)}>
          Search {without ? `“${without}”` : "all"}
        </button>
      )}
      {isFiltered && (
        <button type="button" class="ss-button" onClick={clear}>
          Clear the filters
        </button>
      )}
    </Notice>
  );
}

export const picker: PanelView<PickerState> = {
  title: "Pick an SAE",
  about: "Any pretrained SAE, to choose and load.",
  View: PickerView,
  bare: { View: PickerView, code: listCode },
  initial: {},
  height_px: 600,
  hasFeature: false,
  worksWithoutIndex: true,
  code: listCode,
};
