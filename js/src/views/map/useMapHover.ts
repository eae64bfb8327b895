import type { RefObject } from "preact";
import { useContext, useEffect } from "preact/hooks";
import { HoverContext } from "../shell/hover.js";
import { type Briefs, linesOf } from "./briefs.js";
import type { Chart } from "./plot/types.js";

export const RING_PX = 9;

/** The tooltip of the feature under the pointer. */
export function useMapHover(
  chart: Chart | undefined,
  briefs: Briefs,
  hovered: number | undefined,
  host: RefObject<HTMLElement | null>,
): void {
  const hover = useContext(HoverContext);
  useEffect(() => {
    if (hovered === undefined) return;
    let isGone = false;
    void briefs.fetch([hovered], "map-hover").then(() => {
      const brief = briefs.get(hovered);
      if (isGone || !chart || !brief) return;
      const title = brief.label ? `${hovered}  ${brief.label}` : `Feature ${hovered}`;
      hover.set({ rect: rectOf(chart, hovered, host.current), title, lines: linesOf(brief) });
    });
    return () => {
      isGone = true;
      hover.set(undefined);
    };
  }, [hovered, chart]);
}

function rectOf(chart: Chart, feature: number, host: HTMLElement | null): DOMRect {
  const corner = host?.getBoundingClientRect();
  const [left, top] = chart.screenOf(...(chart.placeOf(feature) ?? [0, 0]));
  const [x, y] = [(corner?.left ?? 0) + left - RING_PX, (corner?.top ?? 0) + top - RING_PX];
  return new DOMRect(x, y, 2 * RING_PX, 2 * RING_PX);
}
