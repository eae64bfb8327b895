import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import { useTheme, versionOf } from "../shell/hooks.js";
import { HoverContext } from "../shell/hover.js";
import { Briefs, linesOf, wordsOf } from "./briefs.js";
import { ClusterList } from "./ClusterList.js";
import type { MapState } from "./Map.js";
import { clusterNames, fitting, NameLayer } from "./names.js";
import type { Chart, ChartEvents, MapModule } from "./plot/types.js";
import { codesOf, styleOf } from "./ramp.js";
import type { SentMap } from "./useMap.js";
import { useMapKeys, ZoomButtons } from "./ZoomButtons.js";

const NEAR = 200;
const NAMED = 60;
const MOST_PICKED = 100_000;
const EDGE_PX = 12;
const RING_PX = 9;

interface Props extends ViewProps<MapState> {
  map: SentMap;
  module: MapModule;
  isLasso: boolean;
  setLasso: (isOn: boolean) => void;
  /** The map cannot be drawn any more, for this reason. */
  lose: (why: string) => void;
}

/** The drawn map with what lies over it: names, rings, tooltip. */
export function Surface(props: Props) {
  const { client, info, shared, feature, choose, state, map, isLasso, setLasso } = props;
  const hover = useContext(HoverContext);
  const theme = useTheme();
  const canvas = useRef<HTMLDivElement>(null);
  const over = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<Chart>();
  const [said, say] = useState("");
  const [hovered, setHovered] = useState<number>();
  const briefs = useMemo(() => new Briefs(client, info.id), [client, info.id]);
  const chosenHere = useRef<number>(undefined);
  const nameTurn = useRef(0);
  const open = (found: number) => {
    chosenHere.current = found;
    choose(found);
  };

  const rings = () => {
    if (!chart || !over.current) return;
    placeRing(over.current.querySelector<HTMLElement>(".ss-map-chosen"), chart, feature);
    placeRing(over.current.querySelector<HTMLElement>(".ss-map-hovered"), chart, hovered);
  };
  const rename = async () => {
    if (!chart || !names.current) return;
    const turn = ++nameTurn.current;
    const { n, features } = chart.inView(NEAR);
    const own = clusterNames(map.data.clusters, chart.camera.zoom);
    const isNear = n <= NEAR;
    if (isNear && !(await briefs.fetch(features.slice(0, NEAR), "map-names"))) return;
    if (turn !== nameTurn.current || !names.current) return;
    const found = isNear ? featureNames(chart, briefs, features) : own;
    names.current.show(fitting(found, chart.size, (x, y) => chart.screenOf(x, y)).slice(0, NAMED), chart);
  };
  const names = useRef<NameLayer>(undefined);
  const latest = useRef<ChartEvents>(undefined);
  latest.current = {
    onView: () => {
      rings();
      if (chart) names.current?.move(chart);
    },
    onRest: (camera) => {
      const { x, y, zoom } = camera;
      props.update({ camera: { x, y, zoom, method: state.method } });
      void rename();
    },
    onHover: setHovered,
    onOpen: open,
    onLasso: (features) => {
      shared.pick(features.slice(0, MOST_PICKED));
      say(`${count(Math.min(features.length, MOST_PICKED))} features picked.`);
      setLasso(false);
    },
    onLost: () => props.lose("The browser took the graphics of the map away."),
  };

  useLayoutEffect(() => {
    const [host, layer] = [canvas.current, over.current?.querySelector<HTMLElement>(".ss-map-names")];
    if (!host || !layer) return;
    const made = makeChart(props, host, latest);
    if (!made) return;
    names.current = new NameLayer(layer);
    setChart(made);
    return () => {
      names.current = undefined;
      made.destroy();
      hover.set(undefined);
    };
  }, [props.module]);

  useLayoutEffect(() => {
    if (!chart) return;
    const { camera } = state;
    const isFirst = chart.placeOf(0) === undefined && chart.camera.zoom === 1;
    chart.setPlaces(
      map.places,
      isFirst ? (camera?.method === state.method ? camera : undefined) : chart.camera,
    );
  }, [chart, map.places]);
  useLayoutEffect(() => {
    const color = map.data.color;
    if (!chart || !color || !over.current) return;
    chart.setStyle(styleOf(over.current, color).style);
    chart.setCodes(codesOf(map.values, color));
  }, [chart, map, theme]);
  useLayoutEffect(() => chart?.setPicked(shared.picked), [chart, map.places, shared.picked]);
  useLayoutEffect(() => chart?.setHidesDead(state.hides_dead), [chart, state.hides_dead]);
  useLayoutEffect(() => chart?.setLasso(isLasso), [chart, isLasso]);
  useLayoutEffect(rings, [chart, feature, hovered, map.places]);
  useEffect(() => void rename(), [chart, map, state.hides_dead]);
  useEffect(() => briefs.forget(), [versionOf(info)]);
  useEffect(() => {
    const off = client.onNotify("notes", () => {
      briefs.forget();
      void rename();
    });
    return off;
  }, [client, chart]);
  useEffect(() => {
    const place = feature === undefined ? undefined : chart?.placeOf(feature);
    if (!chart || !place || chosenHere.current === feature) return;
    const [left, top] = chart.screenOf(...place);
    const isIn =
      left > EDGE_PX && top > EDGE_PX && left < chart.size[0] - EDGE_PX && top < chart.size[1] - EDGE_PX;
    if (!isIn) chart.look({ x: place[0], y: place[1] }, true);
  }, [chart, feature]);
  useEffect(() => {
    let isGone = false;
    if (hovered === undefined) return hover.set(undefined);
    void briefs.fetch([hovered], "map-hover").then(() => {
      const brief = briefs.get(hovered);
      if (isGone || !chart || !brief) return;
      const title = brief.label ? `${hovered}  ${brief.label}` : `Feature ${hovered}`;
      hover.set({ rect: rectOf(chart, hovered, canvas.current), title, lines: linesOf(brief) });
    });
    return () => {
      isGone = true;
    };
  }, [hovered, chart]);
  const onKeyDown = useMapKeys({ chart, briefs, open, say, setHovered, isLasso, setLasso });

  const { n, n_placed, method } = map.data;
  const label = `Map of ${count(n)} features by ${method.toUpperCase()}`;
  return (
    <div
      class={isLasso ? "ss-map-host ss-map-lassoing" : "ss-map-host"}
      role="application"
      aria-roledescription="map"
      aria-label={feature === undefined ? label : `${label}; feature ${feature} is open`}
      title=""
      tabIndex={0}
      data-first-focus
      onKeyDown={onKeyDown}
    >
      <div class="ss-map-canvas" ref={canvas} />
      <div class="ss-map-over" ref={over}>
        <div class="ss-map-names" aria-hidden="true" />
        <div class="ss-map-hovered" />
        <div class="ss-map-chosen" />
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

function makeChart(
  props: Props,
  host: HTMLElement,
  latest: { current: ChartEvents | undefined },
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
    return props.module.createChart(host, events);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NoWebGl") throw error;
    props.lose("The map needs WebGL, and this browser gives none.");
    return undefined;
  }
}

function featureNames(chart: Chart, briefs: Briefs, features: readonly number[]) {
  const found = features.flatMap((feature) => {
    const [brief, place] = [briefs.get(feature), chart.placeOf(feature)];
    return brief && place ? [{ brief, place }] : [];
  });
  found.sort(
    (a, b) => Number(b.brief.label !== "") - Number(a.brief.label !== "") || b.brief.max - a.brief.max,
  );
  return found.map(({ brief, place: [x, y] }) => {
    const text = wordsOf(brief) || String(brief.feature);
    return { text, x, y, kind: "feature" as const };
  });
}

function placeRing(ring: HTMLElement | null | undefined, chart: Chart, feature: number | undefined): void {
  if (!ring) return;
  const place = feature === undefined ? undefined : chart.placeOf(feature);
  ring.style.visibility = place ? "visible" : "hidden";
  if (!place) return;
  const [left, top] = chart.screenOf(...place);
  ring.style.transform = `translate(${left - RING_PX}px, ${top - RING_PX}px)`;
}

function rectOf(chart: Chart, feature: number, host: HTMLElement | null): DOMRect {
  const corner = host?.getBoundingClientRect();
  const [left, top] = chart.screenOf(...(chart.placeOf(feature) ?? [0, 0]));
  return new DOMRect(
    (corner?.left ?? 0) + left - RING_PX,
    (corner?.top ?? 0) + top - RING_PX,
    2 * RING_PX,
    2 * RING_PX,
  );
}
