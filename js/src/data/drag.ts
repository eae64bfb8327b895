import { named } from "./call.js";

/** What is dragged when a feature is: its number, as text. */
export const FEATURE_TYPE = "application/vnd.saescope.feature";

/** The call that shows a feature in a cell, of the scope of the panel that an element stands in. */
export function showCall(feature: number, from?: Element | null): string {
  return named(`scope.show("feature", ${feature})`, variableAt(from));
}

/** The name in the notebook of the scope of the panel that an element stands in. */
export function variableAt(from: Element | null | undefined): string | undefined {
  return from?.closest<HTMLElement>(".saescope")?.dataset["variable"];
}

/** The feature that an element stands for, by its `data-drag`. */
export function draggedFeature(target: EventTarget | null): number | undefined {
  const node = target instanceof Element ? target.closest<HTMLElement>("[data-drag]") : null;
  const feature = Number(node?.dataset["drag"] ?? Number.NaN);
  return Number.isInteger(feature) ? feature : undefined;
}

/** Begin to drag the feature under the pointer: a notebook takes the call, a field of text takes it as text. */
export function startDrag(event: DragEvent): void {
  const feature = draggedFeature(event.target);
  if (feature === undefined || !event.dataTransfer) return;
  event.dataTransfer.setData(FEATURE_TYPE, String(feature));
  event.dataTransfer.setData("text/plain", showCall(feature, event.target as Element));
  event.dataTransfer.effectAllowed = "copy";
}

/** Whether a drag carries text that is not a feature of ours. */
export function hasText({ dataTransfer }: DragEvent): boolean {
  const types = dataTransfer?.types ?? [];
  return types.includes("text/plain") && !types.includes(FEATURE_TYPE);
}
