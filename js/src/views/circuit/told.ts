import { called } from "../../data/call.js";
import type { PanelView } from "../../panels/panel.js";
import { aimArgs } from "../effects/aim.js";
import type { CircuitState } from "./useCircuit.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<CircuitState>, "View"> = {
  title: "Circuit",
  about: "What writes to this feature, and what reads it: heads, MLPs, tokens.",
  initial: { text: "", by: "text", aim: {} },
  height_px: 520,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called(({ text: own, by, at, aim }: CircuitState, feature = 0, shared) => {
    const text = shared.text || own;
    const downstream = { direction: "downstream" };
    if (text === "" || by === "weights")
      return [
        { method: "circuit", args: { feature } },
        { method: "circuit", args: { feature, ...downstream } },
      ];
    const pos = at && at.feature === feature && at.text === text ? { pos: at.pos } : {};
    return [
      { method: "circuit", args: { feature, text, ...pos } },
      { method: "circuit", args: { feature, text, ...pos, ...aimArgs(aim), ...downstream } },
    ];
  }),
};
