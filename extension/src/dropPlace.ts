import { FEATURE_TYPE } from "@saescope/panels";

/** Where in a notebook a feature would be dropped: the cell, and whether below it; none over a panel of ours. */
export function placeOf(event: DragEvent): { cell: HTMLElement | undefined; isBelow: boolean } | undefined {
  const target = event.target instanceof Element ? event.target : null;
  if (!event.dataTransfer?.types.includes(FEATURE_TYPE)) return undefined;
  if (target?.closest(".saescope input, .saescope textarea")) return undefined;
  const cell = target?.closest<HTMLElement>(".jp-Cell") ?? undefined;
  if (!cell) return { cell, isBelow: true };
  const { top, height } = cell.getBoundingClientRect();
  return { cell, isBelow: event.clientY > top + height / 2 };
}
