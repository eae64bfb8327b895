import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { FeatureWindow } from "../../protocol/generated.js";
import type { Action } from "./actions.js";

interface Props {
  counts: FeatureWindow | undefined;
  isReadOnly: boolean;
  nPicked: number;
  /** What came of the last thing done, or why it could not be. */
  told: string;
  pickAll: () => void;
  actions: Action[];
  save: () => void;
  children: ComponentChildren;
}

/** How many rows match and are marked, and what can be done with those. */
export function Foot({ counts, isReadOnly, nPicked, told, pickAll, actions, save, children }: Props) {
  const [isBusy, setBusy] = useState(false);
  const isFiltered = counts !== undefined && counts.n_match !== counts.n_features;
  const run = async (action: () => void | Promise<void>) => {
    setBusy(true);
    await action();
    setBusy(false);
  };
  const all = counts ? count(counts.n_features) : "";
  return (
    <div class="ss-foot">
      <span role="status" class="ss-count">
        {counts &&
          (isFiltered
            ? `${count(counts.n_match)} of ${all} ${isReadOnly ? "stored" : "match"}`
            : `${all} features`)}
        {told && ` · ${told}`}
      </span>
      {!isReadOnly && nPicked > 0 && (
        <span class="ss-picks" role="group" aria-label="Marked features">
          <b>{count(nPicked)} marked</b>
          {actions.map(({ name, title, run: act, isOff }) => (
            <button
              key={name}
              type="button"
              class="ss-quiet-button"
              title={title}
              disabled={isOff || isBusy}
              onClick={() => void run(act)}
            >
              {name}
            </button>
          ))}
          {children}
        </span>
      )}
      {!isReadOnly && counts && counts.n_match > 0 && nPicked === 0 && (
        <span class="ss-picks">
          <button
            type="button"
            class="ss-quiet-button"
            title="Mark every feature that matches, at most 100,000."
            onClick={pickAll}
          >
            mark all
          </button>
          <button
            type="button"
            class="ss-quiet-button"
            title="Save what matches, with the columns shown, as a CSV file."
            onClick={save}
          >
            save CSV
          </button>
        </span>
      )}
    </div>
  );
}
