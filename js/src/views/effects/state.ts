import type { Arg, Call } from "../../data/call.js";
import type { AblationKind, EffectParams, SweepParams } from "../../protocol/generated.js";
import { type Aim, aimArgs, type GivenText, textParams } from "./aim.js";

export type Mode = "text" | "examples" | "sweep";
export type Where = "fires" | "all" | "one";
export type Quantity = "delta_logprob" | "kl" | "delta_logprob_after" | "kl_after";

/** What a person did here. */
export interface EffectsState {
  text: string;
  /** Whether the typed text is looked at, or an example of the feature. */
  source: "text" | "example";
  example: number;
  /** The tokens of the example that is looked at: what is copied as code. */
  tokens: number[];
  mode: Mode;
  kind: string;
  /** By kind, as far as they are not as given by it. */
  options: Record<string, Record<string, number>>;
  /** Where the activation is changed; none is as the kind says. */
  where: Where | null;
  /** The one position; none is where the feature is strongest. */
  pos: number | null;
  /** The position whose next token is looked at; none is where most changes. */
  look: number | null;
  aim: Aim;
  /** Another text to take activations from. */
  other: string;
  shade: "logprob" | "kl";
  withMarked: boolean;
  k: number;
  group: string;
  quantity: Quantity;
  axis: "delta_logprob" | "kl" | "contrast";
}

export const INITIAL: EffectsState = {
  text: "",
  source: "text",
  example: 0,
  tokens: [],
  mode: "text",
  kind: "zero",
  options: {},
  where: null,
  pos: null,
  look: null,
  aim: {},
  other: "",
  shade: "logprob",
  withMarked: false,
  k: 20,
  group: "top",
  quantity: "delta_logprob",
  axis: "delta_logprob",
};

/** Where the change is made: the one chosen, or as the kind says. */
export function whereOf({ where }: EffectsState, kind: AblationKind | undefined): Where {
  return where ?? kind?.where ?? "fires";
}

/** The kind's options with those that were set. */
export function optionsOf({ options }: EffectsState, kind: AblationKind | undefined): Record<string, number> {
  const own = options[kind?.name ?? ""] ?? {};
  const known = (kind?.options ?? []).map(({ name, default: value }) => [name, own[name] ?? value] as const);
  return Object.fromEntries(known);
}

/** What to ask the kernel: which features to change on which text. */
export function paramsOf(
  scope: string,
  features: readonly number[],
  text: GivenText,
  state: EffectsState,
  kind: AblationKind | undefined,
  strongest: number | undefined,
): EffectParams {
  const where = whereOf(state, kind);
  const pos = state.pos ?? strongest;
  const { target, contrast } = state.aim;
  return {
    scope,
    features: [...features],
    ...textParams(text),
    kind: state.kind,
    options: optionsOf(state, kind),
    ...(where === "one" && pos !== undefined ? { positions: [pos] } : {}),
    ...(where !== "one" ? { where } : {}),
    ...(target ? { target: target.token } : {}),
    ...(target && contrast ? { contrast: contrast.token } : {}),
    ...(kind?.takes_other && state.other ? { other: state.other } : {}),
  };
}

/** The sweep of a feature on the tokens up to the position that is looked at. */
export function sweepParams(
  { scope, features, where, positions }: EffectParams,
  tokens: readonly number[],
  look: number,
  target: number,
  contrast: number | undefined,
): SweepParams {
  const inside = positions?.filter((pos) => pos <= look);
  return {
    scope,
    feature: features[0] ?? 0,
    tokens: tokens.slice(0, look + 1),
    target,
    ...(contrast === undefined ? {} : { contrast }),
    ...(inside?.length ? { positions: inside } : where ? { where } : {}),
  };
}

/** The call that gives what is shown. */
export function callOf(state: EffectsState, feature: number | undefined, shared: string): Call {
  const { mode, kind, aim, k, group, where, pos, other, options } = state;
  const isExample = state.source === "example" || (shared || state.text) === "";
  const text = isExample ? [...state.tokens] : shared || state.text;
  const at: Record<string, Arg> =
    where === "one" ? (pos === null ? {} : { pos }) : where ? { pos: where } : {};
  const change = { ...(kind === "zero" ? {} : { kind }), ...(options[kind] ?? {}) };
  const f = feature ?? 0;
  if (mode === "examples") {
    const place = where === "one" ? { pos: "peak" } : at;
    const args = { examples: f, k, ...(group === "top" ? {} : { group }), ...change, ...place };
    return { method: "effect_summary", args };
  }
  if (mode === "sweep") return { method: "sweep", args: { text, feature: f, ...at, ...aimArgs(aim) } };
  const taken = other && kind === "resample" ? { other } : {};
  const last = aim.target ? { last_only: false } : {};
  const args = { text, features: f, ...change, ...at, ...taken, ...aimArgs(aim), ...last };
  return { method: "ablate", args };
}
