import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useTheme } from "../shell/hooks.js";
import { createChart } from "./plot/chart.js";
import type { Chart, ChartEvents } from "./plot/types.js";
import { codesOf, styleOf } from "./ramp.js";
import type { SurfaceProps } from "./Surface.js";

const EDGE_PX = 12;

/** The drawing in an element, made once and fed with what changes; nothing where there is no WebGL. */
export function useChart(
  props: SurfaceProps,
  host: RefObject<HTMLElement | null>,
  events: ChartEvents,
): Chart | undefined {
  const { map, shared, state, isLasso } = props;
  const [chart, setChart] = useState<Chart>();
  const theme = useTheme();
  const latest = useRef(events);
  latest.current = events;
  const isPlaced = useRef(false);
  useLayoutEffect(() => {
    const made = host.current && makeChart(props, host.current, latest);
    if (!made) return;
    isPlaced.current = false;
    setChart(made);
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => {
    if (!chart) return;
    const { camera, method } = state;
    const saved = camera?.method === method ? camera : undefined;
    chart.setPlaces(map.places, isPlaced.current ? chart.camera : saved);
    isPlaced.current = true;
  }, [chart, map.places]);
  useLayoutEffect(() => {
    const color = map.data.color;
    if (!chart || !color || !host.current) return;
    chart.setStyle(styleOf(host.current, color).style);
    chart.setCodes(codesOf(map.values, color));
  }, [chart, map, theme]);
  useLayoutEffect(() => chart?.setPicked(shared.picked), [chart, map.places, shared.picked]);
  useLayoutEffect(() => chart?.setHidesDead(state.hides_dead), [chart, state.hides_dead]);
  useLayoutEffect(() => chart?.setLasso(isLasso), [chart, isLasso]);
  return chart;
}

/** Bring a feature into sight that was chosen elsewhere; what is in sight stays where it is. */
export function useFollowing(
  chart: Chart | undefined,
  feature: number | undefined,
  own: RefObject<number | undefined>,
): void {
  useEffect(() => {
    const place = feature === undefined ? undefined : chart?.placeOf(feature);
    if (!chart || !place || own.current === feature) return;
    const [left, top] = chart.screenOf(...place);
    const [width, height] = chart.size;
    const isIn = left > EDGE_PX && top > EDGE_PX && left < width - EDGE_PX && top < height - EDGE_PX;
    if (!isIn) chart.look({ x: place[0], y: place[1] }, true);
  }, [chart, feature]);
}

function makeChart(
  { lose }: SurfaceProps,
  host: HTMLElement,
  latest: RefObject<ChartEvents>,
): Chart | undefined {
  const events: ChartEvents = {
    onView: () => latest.current?.onView(),
    onRest: (camera) => latest.current?.onRest(camera),
    onHover: (found) => latest.current?.onHover(found),
    onOpen: (found) => latest.current?.onOpen(found),
    onLasso: (found) => latest.current?.onLasso(found),
    onLost: () => latest.current?.onLost(),
  };
  try {
    return createChart(host, events);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NoWebGl") throw error;
    lose("The map needs WebGL, and this browser gives none.");
    return undefined;
  }
}
