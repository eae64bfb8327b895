import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { versionOf } from "../shell/hooks.js";
import { type Briefs, wordsOf } from "./briefs.js";
import { clusterNames, fitting, type Name, NameLayer } from "./names.js";
import type { Chart } from "./plot/types.js";
import type { SurfaceProps } from "./Surface.js";

const NEAR = 200;

export interface Named {
  /** Find out anew which names there is room for. */
  rename: () => void;
  /** Let the names go along with the camera. */
  move: (chart: Chart) => void;
}

/** The names over a map: of clusters from far, of features when few are in sight. */
export function useNames(
  { client, info, map, state, feature }: SurfaceProps,
  chart: Chart | undefined,
  briefs: Briefs,
  host: RefObject<HTMLElement | null>,
): Named {
  const layer = useRef<NameLayer>(undefined);
  const turn = useRef(0);
  const rename = async () => {
    if (!chart || !host.current) return;
    layer.current ??= new NameLayer(host.current);
    const own = ++turn.current;
    const { n, features } = chart.inView(NEAR);
    const isNear = n <= NEAR;
    if (isNear) await briefs.fetch(features, "map-names");
    if (own !== turn.current) return;
    const names = isNear
      ? featureNames(chart, briefs, features)
      : clusterNames(map.data.clusters, chart.camera.zoom);
    const open = feature === undefined ? undefined : chart.placeOf(feature);
    const at = (x: number, y: number) => chart.screenOf(x, y);
    layer.current.show(fitting(names, chart.size, at, open && at(...open)), chart);
  };
  useEffect(() => {
    void rename();
    return () => void turn.current++;
  }, [chart, map, state.hides_dead, feature]);
  useEffect(() => briefs.forget(), [versionOf(info)]);
  useEffect(
    () =>
      client.onNotify("notes", () => {
        briefs.forget();
        void rename();
      }),
    [client, chart, map],
  );
  return { rename: () => void rename(), move: (shown) => layer.current?.move(shown) };
}

/** Labelled features first, then those that fire strongest; each beside its point. */
function featureNames(chart: Chart, briefs: Briefs, features: readonly number[]): Name[] {
  const found = features.flatMap((feature) => {
    const [brief, place] = [briefs.get(feature), chart.placeOf(feature)];
    return brief && place ? [{ brief, place }] : [];
  });
  found.sort(
    (a, b) => Number(b.brief.label !== "") - Number(a.brief.label !== "") || b.brief.max - a.brief.max,
  );
  return found.map(({ brief, place: [x, y] }) => {
    return { text: wordsOf(brief) || String(brief.feature), x, y, kind: "feature" };
  });
}
