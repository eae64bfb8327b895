import { browser } from "../views/browser/Browser.js";
import { page } from "../views/page/FeaturePage.js";
import { table } from "../views/table/FeatureTable.js";
import type { AnyPanel } from "./panel.js";

/** Every panel by its name; a new one is a line here and a view. */
export const PANELS: Record<string, AnyPanel> = {
  browser,
  features: table,
  feature: page,
};

/** Those that are tabs of the browser, in their order. */
export const TABS: string[] = [];

export type { PanelSpec, PanelView, ViewProps } from "./panel.js";
