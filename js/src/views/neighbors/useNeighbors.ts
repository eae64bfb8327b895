import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { FeatureBrief, Metric, Neighbors, ScopeInfo } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { type Answered, useAnswer } from "../shell/useAnswer.js";

const N_KEPT = 40;

/** Answers of a line that need not be asked for again, and the names of features met in them. */
class Known {
  readonly #answers = new Map<string, Neighbors>();
  readonly briefs = new Map<number, FeatureBrief>();

  get(key: string): Neighbors | undefined {
    return this.#answers.get(key);
  }

  keep(key: string, answer: Neighbors): Neighbors {
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > N_KEPT && oldest !== undefined) this.#answers.delete(oldest);
    for (const brief of [answer.center, ...answer.neighbors.map((n) => n.brief)])
      this.briefs.set(brief.feature, brief);
    return answer;
  }

  forget(): void {
    this.#answers.clear();
  }
}

const known = new WeakMap<Client, Known>();

function knownOf(client: Client): Known {
  const found = known.get(client) ?? new Known();
  known.set(client, found);
  return found;
}

export interface NeighborsAnswer extends Answered<Neighbors> {
  /** A feature that was met before. */
  briefOf: (feature: number) => FeatureBrief | undefined;
}

/** The nearest features; those met before are there at once. */
export function useNeighbors(
  client: Client,
  info: ScopeInfo,
  feature: number | undefined,
  metric: string,
  k: number,
): NeighborsAnswer {
  const { id: scope, index, has_postings, has_model } = info;
  const held = knownOf(client);
  const key =
    feature === undefined ? undefined : [scope, index, has_postings, has_model, feature, metric, k].join("/");
  const answer = useAnswer<Neighbors>(key, versionOf(info), async ({ signal, version }) => {
    const full = `${key}/${version}`;
    const before = held.get(full);
    if (before) return before;
    const asked = { scope, feature: feature ?? 0, metric, k };
    const { data } = await client.request("neighbors.list", asked, { slot: "neighbors", signal });
    return held.keep(full, data);
  });
  const { retry } = answer;
  useEffect(
    () =>
      client.onNotify("notes", () => {
        held.forget();
        retry();
      }),
    [client, retry],
  );
  return { ...answer, briefOf: (f) => held.briefs.get(f) };
}

/** The metrics there are, those of plug-ins too; nothing until they are known. */
export function useMetrics(client: Client, info: ScopeInfo): Metric[] | undefined {
  const { id: scope, index, has_index, has_postings, has_model } = info;
  const [metrics, setMetrics] = useState<Metric[]>();
  useEffect(() => {
    const life = new AbortController();
    client
      .request("neighbors.metrics", { scope }, { signal: life.signal })
      .then(({ data }) => setMetrics(data.metrics))
      .catch(() => {});
    return () => life.abort();
  }, [client, scope, index, has_index, has_postings, has_model]);
  return metrics;
}
