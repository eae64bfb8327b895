import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type {
  AblationKind,
  EffectControl,
  EffectParams,
  EffectStage,
  Passage,
  ScopeInfo,
} from "../../protocol/generated.js";
import { versionOf } from "../shell/hooks.js";
import { type Answered, useAnswer } from "../shell/useAnswer.js";
import { EffectData } from "./effectData.js";

export const N_PASSAGES = 6;

/** The kinds of ablation there are. */
export function useKinds(client: Client, info: ScopeInfo): readonly AblationKind[] {
  const answer = useAnswer<readonly AblationKind[]>(
    `${info.id}/${info.has_index}`,
    "",
    async ({ signal }) => {
      const { data } = await client.request("effects.kinds", { scope: info.id }, { signal });
      return data.kinds;
    },
  );
  return answer.shown ?? [];
}

/** The feature's strongest examples as texts; those of the feature before stay until they are here. */
export function usePassages(
  client: Client,
  info: ScopeInfo,
  feature: number | undefined,
): Answered<OwnPassages> {
  const key = feature === undefined || !info.has_index ? undefined : `${info.id}/${feature}`;
  return useAnswer<OwnPassages>(key, versionOf(info), async ({ signal }) => {
    const wanted = { scope: info.id, feature: feature ?? 0, k: N_PASSAGES };
    const { data } = await client.request("effects.passages", wanted, { signal, slot: "passages" });
    return { feature: feature ?? 0, passages: data.passages };
  });
}

export interface OwnPassages {
  feature: number;
  passages: readonly Passage[];
}

export interface Effect extends Answered<EffectData> {
  stage: EffectStage | undefined;
  /** Whether it was stopped by hand. */
  isStopped: boolean;
  stop: () => void;
}

/** What a change does, asked anew whenever something about it is another; without parameters nothing is asked. */
export function useEffectOf(client: Client, params: EffectParams | undefined): Effect {
  const wanted = params && JSON.stringify(params);
  const [stopped, setStopped] = useState<string>();
  const [stage, setStage] = useState<EffectStage>();
  useEffect(() => setStopped(undefined), [wanted]);
  const isStopped = wanted !== undefined && stopped === wanted;
  const answer = useAnswer<EffectData>(isStopped ? undefined : wanted, "", async ({ signal }) => {
    setStage(undefined);
    const asked = JSON.parse(wanted ?? "{}") as EffectParams;
    const onEvent = (next: EffectStage) => void (!signal.aborted && setStage(next));
    const options = { signal, slot: "effect", onEvent, isLong: true };
    const { data, buffers } = await client.request("effects.ablate", asked, options);
    return new EffectData(data, buffers);
  });
  const retry = () => {
    setStopped(undefined);
    answer.retry();
  };
  return { ...answer, stage, isStopped, stop: () => setStopped(wanted), retry };
}

/** What the same change does along other features' directions, asked when the feature's own effect is known. */
export function useControlOf(client: Client, params: EffectParams | undefined, effect: Effect) {
  const wanted = params && JSON.stringify(params);
  const isDue = wanted !== undefined && effect.key === wanted && effect.shown?.isChanged && !effect.isWaiting;
  const answer = useAnswer<EffectControl>(isDue ? wanted : undefined, "", async ({ signal }) => {
    const asked = JSON.parse(wanted ?? "{}") as EffectParams;
    const { data } = await client.request("effects.control", asked, {
      signal,
      slot: "control",
      isLong: true,
    });
    return data;
  });
  return { ...answer, shown: answer.key === wanted ? answer.shown : undefined };
}
