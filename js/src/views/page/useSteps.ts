import { useEffect, useState } from "preact/hooks";

interface Step<T> {
  item: T;
  isOld: boolean;
}

/**
 * A list whose first items change at once, and the rest a frame later: what is out of sight does not
 * hold up what is in sight. Until then an item beyond the first is the one before, or none.
 * A list that is `of` the same as before changes at once as a whole.
 */
export function useSteps<T>(items: readonly T[], nFirst: number, of: unknown): readonly Step<T>[] {
  const [settled, settle] = useState({ items, of });
  useEffect(() => {
    if (settled.items === items) return;
    const frame = requestAnimationFrame(() => settle({ items, of }));
    return () => cancelAnimationFrame(frame);
  }, [items, of, settled]);
  if (settled.of === of) return items.map((item) => ({ item, isOld: false }));
  return [
    ...items.slice(0, nFirst).map((item) => ({ item, isOld: false })),
    ...settled.items.slice(nFirst, items.length).map((item) => ({ item, isOld: true })),
  ];
}
