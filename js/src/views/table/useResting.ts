import { useEffect, useRef } from "preact/hooks";

const RESTS_AFTER_MS = 50;

/** Tells on which row the pointer or the cursor rests: one that it has not left for a moment. */
export function useResting(tell: (row: number) => void): (row: number | undefined) => void {
  const latest = useRef(tell);
  latest.current = tell;
  const at = useRef<number | undefined>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (row) => {
    if (row === at.current) return;
    at.current = row;
    clearTimeout(timer.current);
    if (row !== undefined) timer.current = setTimeout(() => latest.current(row), RESTS_AFTER_MS);
  };
}
