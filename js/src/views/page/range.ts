import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

export type Range = [low: number, high: number];

/** The interval of activation that is pointed at; held outside, so that only the histogram is drawn anew. */
export class Pointed {
  value: Range | undefined;
  readonly #listeners = new Set<(value: Range | undefined) => void>();

  set(value: Range | undefined): void {
    this.value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  listen(listener: (value: Range | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

export const RangeContext = createContext(new Pointed());

export function useRange(): Range | undefined {
  const range = useContext(RangeContext);
  const [value, setValue] = useState(range.value);
  useEffect(() => range.listen(setValue), [range]);
  return value;
}
