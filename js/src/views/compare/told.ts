import { called } from "../../data/call.js";
import type { PanelView } from "../../panels/panel.js";
import { type CompareState, chosenFeatures, contrastOf } from "./roles.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<CompareState>, "View"> = {
  title: "Compare",
  about: "Two to four features side by side, and where one fires and another does not.",
  initial: { features: [], one: null, roles: {}, within: 0, context: 16 },
  height_px: 560,
  hasFeature: false,
  ...called((state: CompareState, selected, shared) => {
    const features = chosenFeatures(state, shared.picked, selected, Number.POSITIVE_INFINITY);
    const [first, second] = features;
    if (first === undefined) return [];
    if (second === undefined) return [{ method: "examples", args: { feature: first, k: 3 } }];
    const both = { method: "compare", args: { features } };
    const asked = contrastOf(state, features);
    if (!asked || asked.without.length + asked.also.length === 0) return [both];
    const { feature, without, also } = asked;
    const args = {
      feature,
      ...(without.length > 0 ? { without } : {}),
      ...(also.length > 0 ? { also } : {}),
      context: state.context,
      ...(state.within > 0 ? { within: state.within } : {}),
    };
    return [both, { method: "contrast", args }];
  }),
};
