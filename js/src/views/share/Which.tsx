import { count } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import { useLists } from "../table/useLists.js";
import type { By } from "./state.js";

interface Props {
  client: Client;
  scope: string;
  by: By;
  setBy: (by: By) => void;
  list: string | undefined;
  setList: (list: string) => void;
  nPicked: number;
  nLabelled?: number | undefined;
  nFeatures: number;
  hasTable: boolean;
  feature: number | undefined;
  /** How many are meant, when that is known. */
  n?: number | undefined;
  /** Those labelled cannot be chosen. */
  isToLabel?: boolean;
}

/** Which features go out; what cannot be chosen says why. */
export function Which(props: Props) {
  const { client, scope, by, setBy, list, setList, nPicked, nLabelled, nFeatures, feature } = props;
  const lists = useLists(client, scope, true);
  const of = (n: number | undefined) => (n === undefined ? "" : count(n));
  const choices: [By, string, string, string, boolean][] = [
    ["picked", "marked", of(nPicked), "The features marked in the table or on the map.", nPicked === 0],
    [
      "table",
      "in the table",
      by === "table" ? of(props.n) : "",
      "Those that match the table's search and filter, in its order.",
      !props.hasTable,
    ],
    ["labelled", "labelled", of(nLabelled), "Those that have a label of yours.", nLabelled === 0],
    [
      "one",
      "this one",
      feature === undefined ? "" : `#${feature}`,
      "The open feature.",
      feature === undefined,
    ],
    ["all", "all", of(nFeatures), "Every feature of the index.", false],
  ];
  return (
    <div class="ss-share-row" role="radiogroup" aria-label="Features">
      <span class="ss-share-head">features</span>
      <span class="ss-share-choices">
        {choices
          .filter(([name]) => name !== "table" || props.hasTable)
          .filter(([name]) => name !== "labelled" || !props.isToLabel)
          .map(([name, label, n, title, isOff]) => (
            <label key={name} title={title} data-off={(isOff && by !== name) || undefined}>
              <input
                type="radio"
                name={`ss-share-by-${scope}`}
                checked={by === name}
                disabled={isOff && by !== name}
                onChange={() => setBy(name)}
              />
              {label}
              {n && <small>{n}</small>}
            </label>
          ))}
        <span class="ss-share-list" data-off={lists.length === 0 || undefined}>
          <label title="The features of a list, in its order.">
            <input
              type="radio"
              name={`ss-share-by-${scope}`}
              checked={by === "list"}
              disabled={lists.length === 0 && by !== "list"}
              onChange={() => setBy("list")}
            />
            list
          </label>
          {lists.length > 0 && (
            <select
              aria-label="List"
              value={list ?? ""}
              onChange={(e) => {
                setList(e.currentTarget.value);
                setBy("list");
              }}
            >
              <option value="" disabled>
                choose
              </option>
              {lists.map(({ name, n_features }) => (
                <option key={name} value={name}>
                  {name} ({count(n_features)})
                </option>
              ))}
            </select>
          )}
        </span>
      </span>
    </div>
  );
}
