import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { ClusterList } from "./ClusterList.js";
import { MapBar } from "./MapBar.js";
import { Progress, Undrawn } from "./Progress.js";
import { Surface } from "./Surface.js";
import type { MapState } from "./state.js";
import { told } from "./told.js";
import { useMap } from "./useMap.js";

/** All features in the plane. */
function MapView(props: ViewProps<MapState>) {
  const { client, info, shared, state, update, isReadOnly } = props;
  const { map, undrawn, drawing, error, retry, draw, stop } = useMap(client, info, state.method, state.color);
  const [isLasso, setLasso] = useState(false);
  const [lost, setLost] = useState<string>();
  const isWaiting = !undrawn && !error && !map;
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
        canLasso={shown !== undefined}
      />
      {error && !shown && <Failure error={error} retry={retry} />}
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
      {shown && !lost && !isReadOnly && (
        <Surface
          key={state.method}
          {...props}
          map={shown}
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

export const map: PanelView<MapState> = { ...told, View: MapView };
