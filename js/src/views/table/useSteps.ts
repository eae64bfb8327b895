import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RowTable } from "../../data/table.js";
import { useKeys } from "../shell/keys.js";
import type { TableProps } from "./state.js";
import type { Picks } from "./usePicks.js";
import { usePlace } from "./usePlace.js";

/** After the page that was asked for. */
const AHEAD_AFTER_MS = 150;

/** j and k go by the table's order, x marks; opens the first row where nothing is open. */
export function useSteps(
  { client, info, shared, feature, choose, isReadOnly }: TableProps,
  table: RowTable,
  picks: Picks,
  cursor: RefObject<number | undefined>,
) {
  const { place, target, move } = usePlace(client, info.id, feature, table);
  const open = (next: number, at?: number) => {
    // what is asked for leaves before anything is drawn
    choose(next);
    if (at !== undefined) move(at);
  };
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const expect = (row: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const next = table.row(row)?.feature;
      if (next !== undefined) shared.expect(next);
    }, AHEAD_AFTER_MS);
  };
  const step = (delta: 1 | -1) => {
    const nRows = table.counts?.n_match ?? 0;
    const from = target.current ?? (feature === undefined ? undefined : table.rowOf(feature)) ?? -1;
    const to = Math.max(0, Math.min(nRows - 1, from + delta));
    if (to === target.current || nRows === 0) return;
    target.current = to;
    void table.featureAt(to).then((next) => {
      if (next === undefined || target.current !== to) return;
      open(next, to);
      expect(to + delta);
    });
  };
  useEffect(() => {
    shared.stepper = step;
    return () => {
      if (shared.stepper === step) shared.stepper = undefined;
    };
  });
  const mark = () => {
    const row = cursor.current;
    const marked = (row === undefined ? undefined : table.row(row)?.feature) ?? feature;
    if (marked !== undefined) picks.toggle(marked, row, false);
  };
  useKeys({
    j: ["next feature", () => step(1)],
    k: ["previous feature", () => step(-1)],
    ...(isReadOnly ? {} : { x: ["mark a feature", mark] as [string, () => void] }),
  });
  const first = table.row(0)?.feature;
  useEffect(() => {
    if (feature === undefined && first !== undefined) shared.open(first);
  }, [feature, first]);
  return { place, open };
}
