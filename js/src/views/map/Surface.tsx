import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import { Briefs } from "./briefs.js";
import { ClusterList } from "./ClusterList.js";
import type { Chart } from "./plot/types.js";
import type { MapState } from "./state.js";
import { useChart, useFollowing } from "./useChart.js";
import type { SentMap } from "./useMap.js";
import { RING_PX, useMapHover } from "./useMapHover.js";
import { useNames } from "./useNames.js";
import { useMapKeys, ZoomButtons } from "./ZoomButtons.js";

const MOST_PICKED = 100_000;

export interface SurfaceProps extends ViewProps<MapState> {
  map: SentMap;
  isLasso: boolean;
  setLasso: (isOn: boolean) => void;
  /** The map cannot be drawn any more, for this reason. */
  lose: (why: string) => void;
}

/** The drawn map with what lies over it: names, rings, tooltip. */
export function Surface(props: SurfaceProps) {
  const { client, info, shared, feature, choose, state, map, isLasso, setLasso } = props;
  const canvas = useRef<HTMLDivElement>(null);
  const names = useRef<HTMLDivElement>(null);
  const chosenRing = useRef<HTMLDivElement>(null);
  const hoveredRing = useRef<HTMLDivElement>(null);
  const [said, say] = useState("");
  const [hovered, setHovered] = useState<number>();
  const briefs = useMemo(() => new Briefs(client, info.id), [client, info.id]);
  const own = useRef<number>(undefined);
  const open = (found: number) => {
    own.current = found;
    choose(found);
  };
  const chart: Chart | undefined = useChart(props, canvas, {
    onView: () => {
      rings();
      if (chart) named.move(chart);
    },
    onRest: ({ x, y, zoom }) => {
      props.update({ camera: { x, y, zoom, method: state.method } });
      named.rename();
    },
    onHover: setHovered,
    onOpen: open,
    onLasso: (features) => {
      shared.pick(features.slice(0, MOST_PICKED));
      say(`${count(Math.min(features.length, MOST_PICKED))} features picked.`);
      setLasso(false);
    },
    onLost: () => props.lose("The browser took the graphics of the map away."),
  });
  const named = useNames(props, chart, briefs, names);
  const rings = () => {
    placeRing(chosenRing, chart, feature);
    placeRing(hoveredRing, chart, hovered);
  };
  useLayoutEffect(rings, [chart, feature, hovered, map.places]);
  useFollowing(chart, feature, own);
  useMapHover(chart, briefs, hovered, canvas);
  const onKeyDown = useMapKeys({ chart, briefs, open, say, setHovered, isLasso, setLasso });
  const { n, n_placed, method } = map.data;
  const label = `Map of ${count(n)} features by ${method.toUpperCase()}`;
  return (
    <div
      class={isLasso ? "ss-map-host ss-map-lassoing" : "ss-map-host"}
      role="application"
      aria-roledescription="map"
      aria-label={feature === undefined ? label : `${label}; feature ${feature} is open`}
      tabIndex={0}
      data-first-focus
      onKeyDown={onKeyDown}
    >
      <div class="ss-map-canvas" ref={canvas} />
      <div class="ss-map-over" aria-hidden="true">
        <div ref={names} />
        <div class="ss-map-hovered" ref={hoveredRing} />
        <div class="ss-map-chosen" ref={chosenRing} />
      </div>
      <ZoomButtons chart={chart} />
      {n_placed < n && <p class="ss-map-note">{count(n - n_placed)} without a direction are not shown</p>}
      <p class="ss-map-hidden" aria-live="polite">
        {said}
      </p>
      <ClusterList clusters={map.data.clusters} />
    </div>
  );
}

function placeRing(
  ring: RefObject<HTMLElement | null>,
  chart: Chart | undefined,
  feature: number | undefined,
): void {
  const node = ring.current;
  if (!node) return;
  const place = feature === undefined ? undefined : chart?.placeOf(feature);
  node.style.visibility = place ? "visible" : "hidden";
  if (!chart || !place) return;
  const [left, top] = chart.screenOf(...place);
  node.style.transform = `translate(${left - RING_PX}px, ${top - RING_PX}px)`;
}
