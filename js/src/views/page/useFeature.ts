import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { Ahead } from "../../data/ahead.js";
import { Late } from "../../data/late.js";
import { Pace } from "../../data/pace.js";
import type { Reader } from "../../data/shared.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { Example, ExampleGroup, FeaturePage, ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { groupsOf, type Query } from "./query.js";

/** Examples that come at once: `rpc/handlers/page.py`. */
const WHOLE_PART = 20;
const PART_AFTER_MS = 40;

/** A feature with the examples that have come so far. */
export interface Shown {
  page: FeaturePage;
  query: Query;
  examples: Example[];
  groups: ExampleGroup[];
  isComplete: boolean;
}

export interface FeatureAnswer {
  shown: Shown | undefined;
  error: RequestError | undefined;
  /** Why what is shown could not be read anew. */
  staleError: RequestError | undefined;
  isWaiting: boolean;
  retry: () => void;
  /** Read what will be shown of another feature. */
  read: Reader;
}

interface Wanted {
  scope: string;
  feature: number;
  query: Query;
  /** Begins the names of its slots: what is read ahead takes no other's place. */
  slot: "" | "ahead-";
}

interface Reading {
  known?: Known | undefined;
  signal?: AbortSignal;
  onPart?: (part: Shown) => void;
}

type Known = Pick<Shown, "page" | "groups">;

/**
 * A feature's page and examples. The page before stays until both parts of the new one are here;
 * when the index grows, the whole is read anew and then shown at once.
 */
export function useFeature(
  client: Client,
  info: ScopeInfo,
  feature: number | undefined,
  query: Query,
): FeatureAnswer {
  const { id: scope, index } = info;
  const asked = JSON.stringify(query);
  const version = versionOf(info);
  const [turn, next] = useReducer((n: number) => n + 1, 0);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const shown = useRef<Shown | undefined>(undefined);
  const [error, setError] = useState<RequestError>();
  const [staleError, setStaleError] = useState<RequestError>();
  const [isWaiting, setWaiting] = useState(false);
  const last = useRef<{ key: string; known: Known } | undefined>(undefined);
  const pace = useRef<Pace | undefined>(undefined);
  const latest = useRef(version);
  latest.current = version;
  const { keyOf, ahead, readAhead } = useAhead(client, info, query, asked);
  const early = feature === undefined ? undefined : ahead.value(keyOf(feature));
  if (early && shown.current?.page.feature !== feature) shown.current = early;
  // before the frame is painted: the request need not wait for it
  useLayoutEffect(() => {
    if (feature === undefined) return;
    const life = new AbortController();
    const { signal } = life;
    let isFirst = true;
    const show = (found: Shown, key: string) => {
      if (signal.aborted) return;
      last.current = { key, known: found };
      if (shown.current !== found) redraw(0);
      shown.current = found;
      setError(undefined);
      setStaleError(undefined);
      setWaiting(false);
    };
    const settle = (whole: Shown, key: string) => {
      show(whole, key);
      isFirst = false;
    };
    const load = async () => {
      const key = `${index}/${latest.current}/${feature}/${query.n_intervals}/${JSON.stringify(query.rule)}`;
      const there = ahead.value(keyOf(feature));
      if (there) return settle(there, key);
      const known = isFirst && last.current?.key === key ? last.current.known : undefined;
      const late = new Late<Shown>((part) => show(part, key), PART_AFTER_MS);
      const onPart = (part: Shown) => {
        if (!isFirst) return;
        if (part.examples.length < Math.min(query.k, WHOLE_PART)) return late.tell(part);
        late.stop();
        show(part, key);
      };
      if (isFirst) setWaiting(true);
      try {
        const whole =
          (await ahead.answer(keyOf(feature))?.catch(() => undefined)) ??
          (await read(client, { scope, feature, query, slot: "" }, { known, signal, onPart }));
        late.stop();
        settle(whole, key);
      } catch (failed) {
        if (signal.aborted || isQuiet(failed)) return;
        (isFirst ? setError : setStaleError)(asRequestError(failed));
        setWaiting(false);
      } finally {
        late.stop();
      }
    };
    setError(undefined);
    setStaleError(undefined);
    const own = new Pace(load);
    pace.current = own;
    own.ask(latest.current);
    return () => {
      own.stop();
      life.abort();
    };
  }, [client, scope, index, feature, asked, turn]);
  useEffect(() => pace.current?.ask(version), [version]);
  return {
    shown: shown.current,
    error,
    staleError,
    isWaiting,
    retry: () => next(0),
    read: readAhead,
  };
}

/** Pages that are read before they are shown, while the options are these. */
function useAhead(client: Client, info: ScopeInfo, query: Query, asked: string) {
  const { id: scope, index } = info;
  const ahead = useMemo(() => new Ahead<Shown>(), [client, scope]);
  const version = useRef("");
  version.current = versionOf(info);
  const keyOf = (feature: number) => `${index}/${version.current}/${feature}/${asked}`;
  const readAhead: Reader = (feature, isChosen) => {
    if (query.k > WHOLE_PART || client.status === "snapshot") return;
    const slot = isChosen ? "" : "ahead-";
    const ask = () => read(client, { scope, feature, query, slot });
    if (isChosen) ahead.ask(keyOf(feature), ask).catch(() => {});
    else ahead.expect(keyOf(feature), ask);
  };
  return { ahead, keyOf, readAhead };
}

/** Ask for a page, unless it is known, and its examples; `onPart` gets what is there as it comes. */
async function read(
  client: Client,
  { scope, feature, query, slot }: Wanted,
  { known, signal, onPart }: Reading = {},
): Promise<Shown> {
  const stop = signal && { signal };
  let page = known?.page;
  let examples: Example[] = [];
  const { group, context, k, n_intervals, folds, rule } = query;
  const groups = () => known?.groups ?? groupsOf(n_intervals, page);
  const tell = () => {
    if (page && examples.length > 0) onPart?.({ page, query, examples, groups: groups(), isComplete: false });
  };
  const readPage = () =>
    client
      .request("feature.get", { scope, feature, ...(rule && { rule }) }, { slot: `${slot}page`, ...stop })
      .then(({ data }) => {
        page = data;
        tell();
        return data;
      });
  const onEvent = (part: { examples: Example[] }) => {
    examples = [...examples, ...part.examples];
    tell();
  };
  const [whole, end] = await Promise.all([
    page ?? readPage(),
    client
      .request(
        "examples.list",
        { scope, feature, k, group, context, folds, n_intervals, ...(rule && { rule }) },
        { slot: `${slot}examples`, onEvent, ...stop },
      )
      .then(({ data }) => data),
  ]);
  return { page: whole, query, examples, groups: end.groups, isComplete: true };
}
