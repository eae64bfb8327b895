import { createContext, type RefObject } from "preact";
import { useContext, useEffect, useRef } from "preact/hooks";

/** What a key does, and how the list of keys names it; an empty name is not listed. */
export type KeyAction = [name: string, run: () => void];
export type KeyMap = Record<string, KeyAction>;

const SUPPRESS = "data-lm-suppress-shortcuts";

/** The keys of a panel: each view adds its own while it is open; of two the later wins. */
export class Keys {
  #maps: (() => KeyMap)[] = [];

  add(map: () => KeyMap): () => void {
    this.#maps.push(map);
    return () => {
      this.#maps = this.#maps.filter((m) => m !== map);
    };
  }

  all(): KeyMap {
    return Object.assign({}, ...this.#maps.map((map) => map()));
  }

  actions(): Record<string, () => void> {
    return Object.fromEntries(Object.entries(this.all()).map(([key, [, run]]) => [key, run]));
  }
}

export const KeysContext = createContext(new Keys());

/** Keys of a view, while it is open. */
export function useKeys(map: KeyMap): void {
  const keys = useContext(KeysContext);
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => keys.add(() => latest.current), [keys]);
}

/** Whether keys belong to a field that takes text. */
export function isTextField(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.matches("input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]")
  );
}

/** Run the action of a plain key, and keep the key from the notebook. */
export function onPanelKey(event: KeyboardEvent, actions: Partial<Record<string, () => void>>): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  if (event.defaultPrevented) return;
  if (isTextField(event.target) && event.key !== "Escape") return;
  if (["Enter", " "].includes(event.key) && event.target instanceof HTMLButtonElement) return;
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
