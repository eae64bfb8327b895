import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

/** What the pointer or the focus is on. */
export interface Hovered {
  rect: DOMRect;
  lines: [string, string][];
  title: string;
  /** The activation, for the mark in the histogram. */
  activation?: number;
}

/** Held outside the components: moving the pointer draws only the tooltip and the mark anew. */
export class Hover {
  value: Hovered | undefined;
  readonly #listeners = new Set<(value: Hovered | undefined) => void>();

  set(value: Hovered | undefined): void {
    if (value === this.value) return;
    this.value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  listen(listener: (value: Hovered | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

export const HoverContext = createContext(new Hover());

export function useHovered(): Hovered | undefined {
  const hover = useContext(HoverContext);
  const [value, setValue] = useState(hover.value);
  useEffect(() => hover.listen(setValue), [hover]);
  return value;
}
