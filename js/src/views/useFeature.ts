import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { asRequestError, type Client, isQuiet, type RequestError } from "../protocol/client.js";
import type { Example, FeaturePage } from "../protocol/generated.js";

const N_EXAMPLES = 20;

/** A feature with the examples that have come so far. */
export interface Shown {
  page: FeaturePage;
  group: string;
  context: number;
  examples: Example[];
  groups: string[];
  isComplete: boolean;
}

export interface FeatureAnswer {
  shown: Shown | undefined;
  error: RequestError | undefined;
  isWaiting: boolean;
  retry: () => void;
}

/** A feature's page and examples. The page before stays until both parts of the new one are here. */
export function useFeature(
  client: Client,
  scope: string,
  index: string,
  feature: number | undefined,
  group: string,
  context: number,
): FeatureAnswer {
  const [turn, next] = useReducer((n: number) => n + 1, 0);
  const [shown, setShown] = useState<Shown>();
  const [error, setError] = useState<RequestError>();
  const [isWaiting, setWaiting] = useState(false);
  const last = useRef<{ page: FeaturePage; index: string; groups: string[] } | undefined>(undefined);
  useEffect(() => {
    if (feature === undefined) return;
    const life = new AbortController();
    const { signal } = life;
    const known =
      last.current?.index === index && last.current.page.feature === feature ? last.current : undefined;
    const draft = { examples: [] as Example[], groups: known?.groups ?? [group], isComplete: false };
    let page = known?.page;
    const commit = () => {
      if (!page || signal.aborted || (draft.examples.length === 0 && !draft.isComplete)) return;
      last.current = { page, index, groups: draft.groups };
      setShown({ page, group, context, ...draft });
      setWaiting(false);
    };
    const fail = (failed: unknown) => {
      if (signal.aborted || isQuiet(failed)) return;
      setError(asRequestError(failed));
      setWaiting(false);
      life.abort();
    };
    setError(undefined);
    setWaiting(true);
    if (!page)
      client.request("feature.get", { scope, feature }, { slot: "page", signal }).then(({ data }) => {
        page = data;
        commit();
      }, fail);
    const onEvent = (part: { examples: Example[] }) => {
      draft.examples = [...draft.examples, ...part.examples];
      commit();
    };
    client
      .request(
        "examples.list",
        { scope, feature, k: N_EXAMPLES, group, context },
        { slot: "examples", onEvent, signal },
      )
      .then(({ data }) => {
        draft.groups = data.groups;
        draft.isComplete = true;
        commit();
      }, fail);
    return () => life.abort();
  }, [client, scope, index, feature, group, context, turn]);
  return { shown, error, isWaiting, retry: () => next(0) };
}
