import { useEffect, useState } from "preact/hooks";
import type { Shared } from "../../data/shared.js";
import type { Client } from "../../protocol/client.js";
import type {
  Comparison,
  ContrastEnd,
  ContrastExample,
  FeatureBrief,
  ScopeInfo,
} from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { type Answered, useAnswer } from "../shell/useAnswer.js";
import type { Contrasted } from "./roles.js";

const N_EXAMPLES = 3;
const CONTEXT = 8;
const N_CONTRAST = 20;
const N_NEAR = 3;
const N_BEFORE = 3;

/** The features side by side; those before stay until the new ones are here. */
export function useCompare(
  client: Client,
  info: ScopeInfo,
  features: readonly number[],
): Answered<Comparison> {
  const { id: scope, index, has_postings } = info;
  const key = features.length === 0 ? undefined : [scope, index, has_postings, ...features].join("/");
  const answer = useAnswer<Comparison>(key, versionOf(info), async ({ signal }) => {
    const asked = { scope, features: [...features], n_examples: N_EXAMPLES, context: CONTEXT };
    return (await client.request("compare.get", asked, { slot: "compare", signal })).data;
  });
  const { retry } = answer;
  useEffect(() => client.onNotify("notes", retry), [client, retry]);
  return answer;
}

/** Examples of one feature with what the others do there, as far as they have come. */
export interface ContrastShown {
  asked: Contrasted;
  examples: ContrastExample[];
  end: ContrastEnd | undefined;
}

/** Where one feature fires and others do not; without postings, of its stored examples, by the model. */
export function useContrast(
  client: Client,
  info: ScopeInfo,
  asked: Contrasted | undefined,
  within: number,
  context: number,
): Answered<ContrastShown> {
  const { id: scope, index, has_postings, has_model } = info;
  const canAsk = asked !== undefined && asked.without.length + asked.also.length > 0;
  const key =
    canAsk && (has_postings || has_model)
      ? JSON.stringify([scope, index, has_postings, asked, within, context])
      : undefined;
  return useAnswer<ContrastShown>(key, versionOf(info), async ({ signal, tell }) => {
    if (!asked) throw new Error("nothing is asked");
    const method = has_postings ? "contrast.list" : "contrast.live";
    let examples: ContrastExample[] = [];
    const onEvent = (part: { examples: ContrastExample[] }) => {
      examples = [...examples, ...part.examples];
      tell({ asked, examples, end: undefined });
    };
    const params = { scope, ...asked, within, context, k: N_CONTRAST };
    const { data } = await client.request(method, params, { slot: "contrast", signal, onEvent });
    return { asked, examples, end: data };
  });
}

export interface Suggestion {
  brief: FeatureBrief;
  why: string;
}

/** Features to compare with: the selected one, the nearest of the first, and those shown before. */
export function useSuggestions(
  client: Client,
  info: ScopeInfo,
  shared: Shared,
  features: readonly number[],
): Suggestion[] {
  const [found, setFound] = useState<Suggestion[]>([]);
  const { id: scope, index } = info;
  const [first] = features;
  const before = [...new Set([shared.feature, ...[...shared.past].reverse()])]
    .filter((f): f is number => f !== undefined && f !== first)
    .slice(0, N_BEFORE);
  useEffect(() => {
    if (first === undefined) return;
    const life = new AbortController();
    const { signal } = life;
    const near = client
      .request("neighbors.list", { scope, feature: first, metric: "decoder", k: N_NEAR }, { signal })
      .then(({ data }) =>
        data.neighbors.map(({ brief }) => ({ brief, why: `near #${first} by decoder cosine` })),
      )
      .catch(() => []);
    const recent =
      before.length === 0
        ? []
        : client
            .request("features.brief", { scope, features: before }, { signal })
            .then(({ data }) => data.briefs.map((brief) => ({ brief, why: "shown before" })))
            .catch(() => []);
    void Promise.all([recent, near]).then(([a, b]) => !signal.aborted && setFound([...a, ...b]));
    return () => life.abort();
  }, [client, scope, index, first, before.join()]);
  const seen = new Set(features);
  return found.filter(({ brief: { feature } }) => !seen.has(feature) && seen.add(feature));
}
