import type { Client } from "../../protocol/client.js";
import type {
  CircuitAnswer,
  CircuitParams,
  CircuitSide,
  CircuitText,
  FeatureBrief,
  HeadAnswer,
  ScopeInfo,
} from "../../protocol/generated.js";
import type { Aim } from "../effects/aim.js";
import { useAnswer } from "../shell/useAnswer.js";

export type By = "weights" | "text";

/** What a person did here. */
export interface CircuitState {
  text: string;
  by: By;
  /** The token that was chosen, of which text and feature. */
  at?: { feature: number; text: string; pos: number };
  aim: Aim;
  /** Other scopes of the same model, set from Python. */
  upstream?: string | null;
  downstream?: string | null;
}

/** What is asked for. */
export interface Wanted {
  feature: number;
  by: By;
  text: string;
  pos: number | undefined;
  aim: Aim;
  upstream: string | undefined;
  downstream: string | undefined;
}

/** What is known so far: the sides come one after the other. */
export interface Known {
  wanted: Wanted;
  brief: FeatureBrief | undefined;
  text: CircuitText | undefined;
  sides: CircuitSide[];
  stage: string;
}

export function paramsOf(scope: string, wanted: Wanted): CircuitParams {
  const { feature, by, text, pos, aim, upstream, downstream } = wanted;
  return {
    scope,
    feature,
    by,
    ...(by === "text" ? { text } : {}),
    ...(by === "text" && pos !== undefined ? { pos } : {}),
    ...(by === "text" && aim.target ? { target: aim.target.token } : {}),
    ...(by === "text" && aim.contrast ? { contrast: aim.contrast.token } : {}),
    ...(upstream ? { upstream } : {}),
    ...(downstream ? { downstream } : {}),
  };
}

/** A feature's circuit; its parts are shown as they come. */
export function useCircuit(client: Client, info: ScopeInfo, wanted: Wanted | undefined) {
  const key = wanted && JSON.stringify(wanted);
  return useAnswer<Known>(key, "", async ({ signal, tell }) => {
    if (!wanted) throw new Error("nothing is asked for");
    let known: Known = { wanted, brief: undefined, text: undefined, sides: [], stage: "" };
    const { data } = await client.request("circuit.get", paramsOf(info.id, wanted), {
      signal,
      slot: "circuit",
      onEvent: ({ stage, text, side }) => {
        known = {
          ...known,
          stage,
          text: text ?? known.text,
          sides: side ? [...known.sides, side] : known.sides,
        };
        if (known.text || known.sides.length > 0) tell(known);
      },
    });
    return fromAnswer(wanted, data);
  });
}

function fromAnswer(wanted: Wanted, { brief, text, sides }: CircuitAnswer): Known {
  return { wanted, brief, text: text ?? undefined, sides, stage: "" };
}

export type SideName = CircuitSide["side"];

/** What one head moves on this text, and what it copies by its weights. */
export function useHead(
  client: Client,
  info: ScopeInfo,
  wanted: Wanted,
  pos: number | undefined,
  head: { side: SideName; layer: number; head: number },
) {
  const { feature, by, text } = wanted;
  const params = {
    scope: info.id,
    feature,
    ...head,
    ...(by === "text" ? { text } : {}),
    ...(by === "text" && pos !== undefined ? { pos } : {}),
  };
  return useAnswer<HeadAnswer>(JSON.stringify(params), "", async ({ signal }) => {
    const { data } = await client.request("circuit.head", params, { signal });
    return data;
  });
}
