import { circuit } from "../views/circuit/Circuit.js";
import { compare } from "../views/compare/Compare.js";
import { effects } from "../views/effects/Effects.js";
import { health } from "../views/health/HealthPanel.js";
import { map } from "../views/map/Map.js";
import { neighbors } from "../views/neighbors/Neighbors.js";
import { prompt } from "../views/prompt/Prompt.js";
import { share } from "../views/share/Share.js";
import { steer } from "../views/steer/Steer.js";
import { tryIt } from "../views/tryit/TryIt.js";
import type { AnyPanel } from "./panel.js";

/** The panels that are tabs of the browser's lower strip, by name, in their order. */
export const TABS: Record<string, AnyPanel> = {
  neighbors,
  effects,
  try_it: tryIt,
  prompt,
  steer,
  circuit,
  map,
  compare,
  health,
  share,
};

/** The key that opens each tab. */
export const TAB_KEYS: Record<string, string> = {
  neighbors: "n",
  effects: "e",
  try_it: "t",
  prompt: "p",
  steer: "w",
  circuit: "r",
  map: "m",
  compare: "c",
  health: "h",
  share: "d",
};
