import { later } from "../later/Later.js";
import { told as circuit } from "../views/circuit/told.js";
import { told as compare } from "../views/compare/told.js";
import { effects } from "../views/effects/Effects.js";
import { health } from "../views/health/HealthPanel.js";
import { told as map } from "../views/map/told.js";
import { neighbors } from "../views/neighbors/Neighbors.js";
import { told as prompt } from "../views/prompt/told.js";
import { told as share } from "../views/share/told.js";
import { told as steer } from "../views/steer/told.js";
import { tryIt } from "../views/tryit/TryIt.js";
import type { AnyPanel } from "./panel.js";

/** The panels that are tabs of the browser's lower strip, by name, in their order. */
export const TABS: Record<string, AnyPanel> = {
  neighbors,
  effects,
  try_it: tryIt,
  prompt: later("prompt", prompt),
  steer: later("steer", steer),
  circuit: later("circuit", circuit),
  map: later("map", map),
  compare: later("compare", compare),
  health,
  share: later("share", share),
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
