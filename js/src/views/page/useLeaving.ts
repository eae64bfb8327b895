import { useEffect, useRef } from "preact/hooks";
import { focusedNear, isInside } from "../shell/inside.js";

/** Takes the focus, and closes on Escape and on a click outside of itself or its parent; the focus goes back. */
export function useLeaving(
  box: { current: HTMLElement | null },
  close: () => void,
  outside: "self" | "parent" | "never" = "never",
): void {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    const node = box.current;
    const before = focusedNear(node);
    const text = before?.closest("li")?.querySelector<HTMLElement>(".ss-text");
    node?.focus({ preventScroll: true });
    node?.scrollIntoView?.({ block: "nearest" });
    const inside = outside === "parent" ? node?.parentElement : node;
    const leave = () => {
      latest.current();
      const root = node?.closest<HTMLElement>(".saescope");
      const back = [before, text, root].find((e) => e instanceof HTMLElement && e.isConnected);
      (back as HTMLElement | undefined)?.focus({ preventScroll: true });
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      event.preventDefault();
      leave();
    };
    const onDown = (event: Event) => {
      if (outside !== "never" && !isInside(event, inside)) latest.current();
    };
    node?.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onDown, true);
    return () => {
      node?.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onDown, true);
    };
  }, []);
}
