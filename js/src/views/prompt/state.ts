import type { Shared } from "../../data/shared.js";
import { type Aim, aimCode } from "../effects/aim.js";
import { literal } from "../tryit/TryIt.js";
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

/** The Python call that gives the same figures. */
export function code(state: PromptState, shared: Shared): string {
  const { aim, others, by, at } = state;
  const text = shared.text || state.text;
  const target = aimCode(aim);
  const own = [literal(text), ...(target ? [target] : [])];
  const pos = at[0];
  if (others.length === 0 && typeof pos === "number")
    return `scope.attribute(${[...own, `method="${by}"`, `pos=${pos}`].join(", ")})`;
  if (others.length === 0) return `scope.prompt(${[...own, `rank="${by}"`].join(", ")})`;
  const all = [{ text, aim }, ...others];
  const targets = all.map((one) => aimCode(one.aim).replace("target=", "") || "None");
  const texts = `[${all.map((one) => literal(one.text)).join(", ")}]`;
  const isSame = new Set(targets).size === 1;
  const aimed = isSame ? target : `target=[${targets.join(", ")}]`;
  return `scope.prompt(${[texts, ...(aimed ? [aimed] : []), `rank="${by}"`].join(", ")})`;
}
