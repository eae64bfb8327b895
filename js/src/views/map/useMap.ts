import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { MapData, MapNews, ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import type { MapPlaces } from "./plot/types.js";

const QUICK = "pca";
const NEWS_AFTER_MS = 1000;

/** A map as the kernel sent it. */
export interface SentMap {
  data: MapData;
  places: MapPlaces;
  values: Float32Array;
}

export interface MapAnswer {
  /** The map to show; the one before while another is fetched. */
  map: SentMap | undefined;
  /** What the kernel says of a map that is not drawn yet. */
  undrawn: MapData | undefined;
  drawing: MapNews | undefined;
  error: RequestError | undefined;
  retry: () => void;
  draw: () => void;
  stop: () => void;
}

/** A map's places, fetched once, and its colors, fetched when they change. */
export function useMap(client: Client, info: ScopeInfo, method: string, color: string): MapAnswer {
  const { id: scope } = info;
  const [turn, again] = useReducer((n: number) => n + 1, 0);
  const [map, setMap] = useState<SentMap>();
  const [undrawn, setUndrawn] = useState<MapData>();
  const [drawing, setDrawing] = useState<MapNews>();
  const [error, setError] = useState<RequestError>();
  const held = useRef<{ key: string; places: MapPlaces }>(undefined);
  const key = `${method}/${versionOf(info)}`;
  const fail = (failed: unknown) => !isQuiet(failed) && setError(asRequestError(failed));
  const order = (what: "map.draw" | "map.stop") => {
    setError(undefined);
    client.request(what, { scope, method }).then(({ data }) => setDrawing(data.drawing ?? undefined), fail);
  };
  const stop = () =>
    client.request("map.stop", { scope }).then(({ data }) => setDrawing(data.drawing ?? undefined), fail);

  useEffect(() => {
    const life = new AbortController();
    const with_places = held.current?.key !== key;
    client
      .request("map.get", { scope, method, color, with_places }, { slot: "map", signal: life.signal })
      .then(({ data, buffers }) => {
        setError(undefined);
        setDrawing(data.drawing ?? undefined);
        setUndrawn(data.is_drawn ? undefined : data);
        if (!data.is_drawn) {
          if (method === QUICK && !data.drawing) order("map.draw");
          return;
        }
        const places = placesOf(buffers) ?? held.current?.places;
        if (!places) return;
        held.current = { key, places };
        setMap({ data, places, values: floats(buffers[0]) });
      }, fail);
    return () => life.abort();
  }, [client, scope, key, color, turn]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const offMaps = client.onNotify("maps", (said) => {
      const news = said as unknown as MapNews;
      if (news.scope !== scope) return;
      setDrawing(news.is_over ? undefined : news);
      if (news.method !== method) return;
      if (news.error) setError(asRequestError(new Error(sentence(news))));
      else if (news.is_over) again(0);
    });
    const offNotes = client.onNotify("notes", () => {
      clearTimeout(timer);
      timer = setTimeout(() => again(0), NEWS_AFTER_MS);
    });
    return () => {
      clearTimeout(timer);
      offMaps();
      offNotes();
    };
  }, [client, scope, method]);

  const retry = () => {
    setError(undefined);
    again(0);
  };
  return { map, undrawn, drawing, error, retry, draw: () => order("map.draw"), stop };
}

function sentence({ error, hint }: MapNews): string {
  const text = `${error} ${hint}`.trim();
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function placesOf([, x, y, fires]: DataView[]): MapPlaces | undefined {
  if (!x || !y || !fires) return undefined;
  return {
    x: floats(x),
    y: floats(y),
    fires: new Uint8Array(fires.buffer, fires.byteOffset, fires.byteLength).slice(),
  };
}

/** A copy: a buffer need not begin where a float may. */
function floats(view: DataView | undefined): Float32Array {
  if (!view) return new Float32Array(0);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}
