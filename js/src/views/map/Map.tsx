import { useEffect, useReducer, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { asRequestError, isQuiet, type RequestError } from "../../protocol/client.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { loadChart } from "./bundle.js";
import { ClusterList } from "./ClusterList.js";
import { MapBar } from "./MapBar.js";
import { Progress, Undrawn } from "./Progress.js";
import type { Camera, MapModule } from "./plot/types.js";
import { Surface } from "./Surface.js";
import { useMap } from "./useMap.js";

/** What a person did on the map. */
export interface MapState {
  method: string;
  color: string;
  hides_dead: boolean;
  /** Where one looked, on the map of which method; nothing for the whole. */
  camera: (Camera & { method: string }) | null;
}

/** All features in the plane. */
function MapView(props: ViewProps<MapState>) {
  const { client, info, shared, state, update, isReadOnly } = props;
  const { map, undrawn, drawing, error, retry, draw, stop } = useMap(client, info, state.method, state.color);
  const { module, failed, reload } = useChartModule(props);
  const [isLasso, setLasso] = useState(false);
  const [lost, setLost] = useState<string>();
  const isWaiting = !undrawn && !error && !failed && (!map || !module);
  const isSlow = useSlow(isWaiting && !isReadOnly);
  const isOwnDrawing = drawing?.method === state.method;
  const shown = undrawn ? undefined : map;
  return (
    <section class="ss-map" aria-label="Map">
      <MapBar
        state={state}
        update={update}
        data={undrawn ?? map?.data}
        isLasso={isLasso}
        setLasso={setLasso}
        isReadOnly={isReadOnly}
        canLasso={shown !== undefined && module !== undefined}
      />
      {error && !shown && <Failure error={error} retry={retry} />}
      {failed && !isReadOnly && <Failure error={failed} retry={reload} />}
      {isSlow && <Skeleton lines={8} />}
      {undrawn && !error && !isOwnDrawing && (
        <Undrawn method={state.method} n={info.n_features} draw={draw} isReadOnly={isReadOnly} />
      )}
      {drawing && isOwnDrawing && undrawn && <Progress drawing={drawing} stop={stop} />}
      {isReadOnly && shown && (
        <Notice title={`A snapshot of ${count(shown.data.n)} features: run the cell to see the map.`}>
          <p>{shown.data.clusters.some((c) => c.name) && "What lies together on it:"}</p>
          <ClusterList clusters={shown.data.clusters} isShown />
        </Notice>
      )}
      {lost && !isReadOnly && (
        <Notice title={lost}>
          <p>The same features are in the table: scope.show("features").</p>
          <button type="button" class="ss-button" onClick={() => setLost(undefined)}>
            Try again
          </button>
        </Notice>
      )}
      {shown && module && !lost && !isReadOnly && (
        <Surface
          key={state.method}
          {...props}
          map={shown}
          module={module}
          isLasso={isLasso}
          setLasso={setLasso}
          lose={setLost}
        />
      )}
      {error && shown && <Stale error={error} retry={retry} />}
      {drawing && !(isOwnDrawing && undrawn) && <Progress drawing={drawing} stop={stop} />}
      {shared.picked.length > 0 && shown && (
        <p class="ss-map-picked" role="status">
          <span class="ss-map-ring-sign" /> {count(shared.picked.length)} picked
          <button type="button" class="ss-quiet-button" onClick={() => shared.pick([])}>
            clear
          </button>
        </p>
      )}
    </section>
  );
}

/** The code that draws, fetched when the first map of the page is opened. */
function useChartModule({ client, isReadOnly }: ViewProps<MapState>) {
  const [module, setModule] = useState<MapModule>();
  const [failed, setFailed] = useState<RequestError>();
  const [turn, reload] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    if (isReadOnly) return;
    let isGone = false;
    setFailed(undefined);
    loadChart(client).then(
      (found) => !isGone && setModule(() => found),
      (error: unknown) => !isGone && !isQuiet(error) && setFailed(asRequestError(error)),
    );
    return () => {
      isGone = true;
    };
  }, [client, turn, isReadOnly]);
  return { module, failed, reload: () => reload(0) };
}

export const map: PanelView<MapState> = {
  title: "Map",
  about: "All features in two dimensions: near ones point in like directions.",
  View: MapView,
  initial: { method: "pca", color: "density", hides_dead: false, camera: null },
  height_px: 560,
  hasFeature: false,
  code: ({ method }) => `scope.map(${JSON.stringify(method)})`,
};
