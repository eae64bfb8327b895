import type { PanelView } from "../../panels/panel.js";
import type { MapState } from "./state.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<MapState>, "View"> = {
  title: "Map",
  about: "All features in two dimensions: near ones point in like directions.",
  initial: { method: "pca", color: "density", hides_dead: false, camera: null },
  height_px: 560,
  hasFeature: false,
  code: ({ method }) => `scope.map(${JSON.stringify(method)})`,
};
