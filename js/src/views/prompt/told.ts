import { called } from "../../data/call.js";
import type { PanelView } from "../../panels/panel.js";
import { callOf, INITIAL, type PromptState } from "./state.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<PromptState>, "View"> = {
  title: "Prompt",
  about:
    "Which features a prediction is due to: all that fire on a text, ranked by what they do for its next token.",
  initial: INITIAL,
  height_px: 480,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called((state: PromptState, _feature, shared) => [callOf(state, shared)]),
};
