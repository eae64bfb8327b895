import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

export type KeyActions = Partial<Record<string, () => void>>;

const SUPPRESS = "data-lm-suppress-shortcuts";

/** Whether keys belong to a field that takes text. */
export function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")
  );
}

/** Run the action of a plain key, and keep the key from the notebook. */
export function onPanelKey(event: KeyboardEvent, actions: KeyActions): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  if (isTextField(event.target) && event.key !== "Escape") return;
  if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** JupyterLab acts on keys before the panel hears of them: plain keys are ours, chords stay its own. */
export function usePlainKeys(root: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const node = root.current;
      if (!node || !(event.target instanceof Node) || !node.contains(event.target)) return;
      const isChord = event.ctrlKey || event.metaKey || event.altKey;
      node.toggleAttribute(SUPPRESS, !isChord || isTextField(event.target));
    };
    window.addEventListener("keydown", onKey, true);
    return () => window.removeEventListener("keydown", onKey, true);
  }, [root]);
}
