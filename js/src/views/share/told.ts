import type { PanelView } from "../../panels/panel.js";
import { INITIAL, type ShareState, shareCode } from "./state.js";

/** What is told of the panel before its view is here. */
export const told: Omit<PanelView<ShareState>, "View"> = {
  title: "Share",
  about: "Findings and features out to files; notes and labels in from those of others, or made.",
  initial: INITIAL,
  height_px: 480,
  hasFeature: false,
  code: shareCode,
};
