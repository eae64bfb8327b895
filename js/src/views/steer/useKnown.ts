import { useEffect, useRef, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { FeatureBrief, ScopeInfo, SteerFeature } from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";

export interface Known {
  /** Whether there is a chat template; not known at first. */
  hasChat: boolean | undefined;
  n_context: number | null;
  ranges: ReadonlyMap<number, SteerFeature>;
  briefs: ReadonlyMap<number, FeatureBrief>;
}

const NOTHING: Known = { hasChat: undefined, n_context: null, ranges: new Map(), briefs: new Map() };

/** What the model takes, and how strongly features fire; told anew when an index grows or a label changes. */
export function useKnown(client: Client, info: ScopeInfo, features: readonly number[]): Known {
  const [known, setKnown] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const latest = useRef(known);
  latest.current = known;
  useEffect(() => client.onNotify("notes", () => setTurn((n) => n + 1)), [client]);
  useEffect(() => {
    const life = new AbortController();
    client.request("steer.known", { scope: info.id, features: [...features] }, { signal: life.signal }).then(
      ({ data }) =>
        setKnown({
          hasChat: data.has_chat,
          n_context: data.n_context,
          ranges: merged(latest.current.ranges, data.features),
          briefs: merged(latest.current.briefs, data.briefs),
        }),
      () => {},
    );
    return () => life.abort();
  }, [client, info.id, info.has_model, versionOf(info), features.join(), turn]);
  return known;
}

function merged<T extends { feature: number }>(old: ReadonlyMap<number, T>, found: readonly T[]) {
  return new Map([...old, ...found.map((one) => [one.feature, one] as const)]);
}
