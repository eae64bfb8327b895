/** What tells that a panel has something to show. */
const DRAWN = "[data-example], [data-i], .ss-notice, .ss-name, canvas, dl, table, [role=row][data-feature]";
const SWAP_AFTER_MS = 3000;

/** Draw anew out of sight, and show it in place of what is there once it has something to show, or after a while. */
export function swap(
  node: HTMLElement,
  signal: AbortSignal,
  draw: (el: HTMLElement) => void,
  leave: () => void,
): void {
  const old = [...node.children];
  const fresh = document.createElement("div");
  fresh.className = "saescope-fresh";
  node.append(fresh);
  const show = () => {
    watch.disconnect();
    clearTimeout(timer);
    leave();
    for (const child of old) child.remove();
    fresh.className = "saescope-shown";
  };
  const watch = new MutationObserver(() => fresh.querySelector(DRAWN) && show());
  watch.observe(fresh, { childList: true, subtree: true });
  const timer = setTimeout(show, old.length > 0 ? SWAP_AFTER_MS : 0);
  signal.addEventListener(
    "abort",
    () => {
      watch.disconnect();
      clearTimeout(timer);
      leave();
    },
    { once: true },
  );
  draw(fresh);
}
