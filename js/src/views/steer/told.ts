import { called } from "../../data/call.js";
import type { PanelView } from "../../panels/panel.js";
import { callOf, INITIAL, planOf, type SteerState } from "./state.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<SteerState>, "View"> = {
  title: "Steer",
  about: "Let the model write with features turned up or down, beside what it writes without.",
  initial: INITIAL,
  height_px: 480,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called((state: SteerState, feature, shared) => [
    callOf(planOf(state, shared.text || state.text, feature)),
  ]),
};
