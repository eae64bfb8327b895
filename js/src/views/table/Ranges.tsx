import { useEffect, useMemo, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import { type Range, withoutRange } from "../../data/query.js";
import type { Client } from "../../protocol/client.js";
import type { ColumnSpread, TableFilter } from "../../protocol/generated.js";
import { HIDES } from "./Chips.js";
import { ALWAYS_RANGED, COLUMNS, RANGED } from "./columns.js";
import { RangeHistogram } from "./RangeHistogram.js";
import { useLists, useTags } from "./useLists.js";

interface Props {
  client: Client;
  scope: string;
  filter: TableFilter;
  /** The columns in sight: these have a histogram. */
  names: readonly string[];
  /** Changes when the numbers do. */
  version: string;
  change: (part: Partial<TableFilter>) => void;
  setRange: (name: string, range: Range | undefined) => void;
  list: string | undefined;
  setList: (name: string | undefined) => void;
}

const AFTER_ROWS_MS = 40;
/** Not a tag: tags have no comma. */
const ANY = ",";
const STATUSES = ["proposed", "checked", "rejected", ""];

/** Every column's histogram, with what else can be left out. */
export function Ranges(props: Props) {
  const { client, scope, filter, names, version, change, setRange, list, setList } = props;
  const lists = useLists(client, scope, true);
  const tags = useTags(client, scope);
  const shown = RANGED.filter(
    (name) => names.includes(name) || ALWAYS_RANGED.includes(name) || filter.ranges[name] !== undefined,
  );
  return (
    <div class="ss-filters" role="group" aria-label="Filters by range and kind">
      <div class="ss-ticks">
        <span role="group" aria-label="Kinds to leave out">
          {HIDES.map(({ name, text, title }) => (
            <label key={name} title={title}>
              <input
                type="checkbox"
                checked={filter[name]}
                onChange={(e) => change({ [name]: e.currentTarget.checked })}
              />
              {text}
            </label>
          ))}
        </span>
        <span role="group" aria-label="Status">
          {STATUSES.map((status) => (
            <label
              key={status}
              title={status ? `Only features whose label is ${status}.` : "Only features without a status."}
            >
              <input
                type="checkbox"
                checked={filter.statuses.includes(status)}
                onChange={(e) =>
                  change({
                    statuses: e.currentTarget.checked
                      ? [...filter.statuses, status]
                      : filter.statuses.filter((s) => s !== status),
                  })
                }
              />
              {status || "no status"}
            </label>
          ))}
        </span>
        {(lists.length > 0 || list !== undefined) && (
          <label title="Only the features of a list.">
            list
            <select
              class="ss-mode"
              value={list ?? ""}
              onChange={(e) => setList(e.currentTarget.value || undefined)}
            >
              <option value="">any</option>
              {lists.map(({ name, n_features }) => (
                <option key={name} value={name}>
                  {`${name} (${count(n_features)})`}
                </option>
              ))}
            </select>
          </label>
        )}
        {(tags.length > 0 || filter.tags.length > 0) && (
          <label title="Only the features with a tag.">
            tag
            <select
              class="ss-mode"
              value={filter.tags[0] ?? ANY}
              onChange={(e) => change({ tags: e.currentTarget.value === ANY ? [] : [e.currentTarget.value] })}
            >
              <option value={ANY}>any</option>
              <option value="">no tags</option>
              {filter.tags.flatMap((tag) =>
                tag && !tags.some((t) => t.tag === tag) ? <option key={tag}>{tag}</option> : [],
              )}
              {tags.map(({ tag, n_features }) => (
                <option key={tag} value={tag}>
                  {`${tag} (${count(n_features)})`}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div class="ss-ranges" role="presentation">
        {shown.map((name) => (
          <ColumnRange
            key={name}
            name={name}
            client={client}
            scope={scope}
            filter={filter}
            version={version}
            setRange={setRange}
          />
        ))}
      </div>
    </div>
  );
}

function ColumnRange({
  name,
  client,
  scope,
  filter,
  version,
  setRange,
}: Omit<Props, "names" | "change" | "list" | "setList"> & { name: string }) {
  const [spread, setSpread] = useState<ColumnSpread>();
  const others = useMemo(() => JSON.stringify(withoutRange(filter, name)), [filter, name]);
  useEffect(() => {
    const life = new AbortController();
    const params = { scope, column: name, filter: JSON.parse(others) as TableFilter };
    const ask = () =>
      client.request("features.histogram", params, { slot: `spread/${name}`, signal: life.signal }).then(
        ({ data }) => setSpread(data),
        () => {}, // the table says what is wrong
      );
    const timer = setTimeout(() => void ask(), AFTER_ROWS_MS);
    return () => {
      clearTimeout(timer);
      life.abort();
    };
  }, [client, scope, name, others, version]);
  const column = COLUMNS.find((c) => c.name === name);
  const range = filter.ranges[name] as Range | undefined;
  const steady = useMemo(() => range, [range?.[0], range?.[1]]);
  return (
    <RangeHistogram
      name={name}
      title={name === "feature" ? "number" : (column?.head ?? name)}
      about={`${column?.title ?? ""} Drag over the bars to keep a range; double-click clears it.`}
      spread={spread}
      range={steady}
      change={(next) => setRange(name, next)}
    />
  );
}
