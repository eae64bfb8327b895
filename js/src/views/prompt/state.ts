import { type Call, literal } from "../../data/call.js";
import type { Shared } from "../../data/shared.js";
import { type Aim, aimArgs } from "../effects/aim.js";
import type { Wanted } from "./data.js";

/** What a person did here. */
export interface PromptState {
  text: string;
  aim: Aim;
  /** Texts beside the one that all panels share. */
  others: Wanted[];
  by: string;
  sort: "difference" | "rank";
  /** The position that is looked at in each text; none is the whole text. */
  at: (number | null)[];
}

export const INITIAL: PromptState = {
  text: "",
  aim: {},
  others: [],
  by: "gradient",
  sort: "difference",
  at: [],
};

export const MOST_TEXTS = 4;
export const LETTERS = ["A", "B", "C", "D"];

/** The call that gives the same figures. */
export function callOf(state: PromptState, shared: Shared): Call {
  const { aim, others, by, at } = state;
  const text = shared.text || state.text;
  const pos = at[0];
  if (others.length === 0 && typeof pos === "number")
    return { method: "attribute", args: { text, ...aimArgs(aim), method: by, pos } };
  if (others.length === 0) return { method: "prompt", args: { text, ...aimArgs(aim), rank: by } };
  const all = [{ text, aim }, ...others];
  const targets = all.map((one) => aimArgs(one.aim).target ?? null);
  const isSame = new Set(targets.map(literal)).size === 1;
  const aimed = isSame ? aimArgs(aim) : { target: targets };
  return { method: "prompt", args: { text: all.map((one) => one.text), ...aimed, rank: by } };
}
