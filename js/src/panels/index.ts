import { browser } from "../views/browser/Browser.js";
import { page } from "../views/page/FeaturePage.js";
import { table } from "../views/table/FeatureTable.js";
import type { AnyPanel } from "./panel.js";
import { TABS } from "./tabs.js";

/** Every panel of a scope by its name; a new one is a line here, or in `tabs.ts` if it is a tab of the browser, and a view. */
export const PANELS: Record<string, AnyPanel> = {
  browser,
  features: table,
  feature: page,
  ...TABS,
};

/** The panels that are tabs of the browser, in their order. */
export const TAB_NAMES: readonly string[] = Object.keys(TABS);

export type { PanelSpec, PanelView, ViewProps } from "./panel.js";
