import type { Point } from "./types.js";

const REST_MS = 250;
const CLICK_PX = 4;

export interface Gestures {
  pan: (dx: number, dy: number) => void;
  zoom: (factor: number, at: Point) => void;
  hover: (at: Point | undefined) => void;
  click: (at: Point) => void;
  /** The line that is being drawn round features, and whether it is closed. */
  lasso: (line: readonly Point[], isDone: boolean) => void;
  isLasso: () => boolean;
  end: () => void;
}

/** Mouse, pen and fingers on an element: drag, wheel, pinch, click, and a lasso; until the signal aborts. */
export function listenTo(host: HTMLElement, on: Gestures, signal: AbortSignal): void {
  const down = new Map<number, Point>();
  let line: Point[] | undefined;
  let travelled = 0;
  const placeOf = (event: MouseEvent): Point => {
    const { left, top } = host.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const add = <K extends keyof HTMLElementEventMap>(name: K, run: (event: HTMLElementEventMap[K]) => void) =>
    host.addEventListener(name, run, { signal, passive: false });

  add("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = placeOf(event);
    capture(host, event.pointerId);
    down.set(event.pointerId, at);
    travelled = 0;
    line = down.size === 1 && (on.isLasso() || event.shiftKey) ? [at] : undefined;
    on.hover(undefined);
  });
  add("pointermove", (event) => {
    const at = placeOf(event);
    const before = down.get(event.pointerId);
    if (!before) return on.hover(at);
    const [dx, dy] = [at[0] - before[0], at[1] - before[1]];
    travelled += Math.hypot(dx, dy);
    if (line) {
      line.push(at);
      on.lasso(line, false);
    } else if (down.size === 1) on.pan(dx, dy);
    else pinch(down, event.pointerId, at, on);
    down.set(event.pointerId, at);
  });
  const up = (event: PointerEvent) => {
    if (!down.delete(event.pointerId)) return;
    const drawn = line;
    line = undefined;
    if (drawn) on.lasso(travelled > CLICK_PX ? drawn : [], true);
    if (travelled <= CLICK_PX && event.type === "pointerup") on.click(placeOf(event));
    else on.end();
  };
  add("pointerup", up);
  add("pointercancel", up);
  add("pointerleave", () => on.hover(undefined));
  listenToWheel(host, on, placeOf, add);
}

/** A scroll of the notebook that comes over the map goes on: the map zooms once the pointer has been still on it. */
function listenToWheel(
  host: HTMLElement,
  on: Gestures,
  placeOf: (event: MouseEvent) => Point,
  add: <K extends keyof HTMLElementEventMap>(name: K, run: (event: HTMLElementEventMap[K]) => void) => void,
): void {
  let entered_ms = 0;
  let passed_ms = Number.NEGATIVE_INFINITY;
  add("pointerenter", () => {
    entered_ms = performance.now();
  });
  add("wheel", (event) => {
    const now = performance.now();
    const isOurs = event.ctrlKey || event.metaKey || host.closest(":focus") !== null;
    if (!isOurs && (now - entered_ms < REST_MS || now - passed_ms < REST_MS)) {
      passed_ms = now;
      return;
    }
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    on.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), placeOf(event));
    on.end();
  });
}

function pinch(down: Map<number, Point>, id: number, at: Point, on: Gestures): void {
  const other = [...down].find(([key]) => key !== id)?.[1];
  const before = down.get(id);
  if (!other || !before) return;
  const spread = (p: Point) => Math.hypot(p[0] - other[0], p[1] - other[1]);
  on.zoom(spread(at) / Math.max(spread(before), 1), [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2]);
  on.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
}

function capture(host: HTMLElement, id: number): void {
  try {
    host.setPointerCapture(id);
  } catch {
    // a pointer that is made up, or gone already, cannot be held
  }
}
