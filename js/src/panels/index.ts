import type { ComponentType } from "preact";
import type { Client } from "../protocol/client.js";
import { Browser } from "../views/Browser.js";

/** What a panel is: which scope it shows and what it opens with. */
export interface PanelSpec {
  scope: string;
  feature?: number;
}

export interface PanelProps {
  client: Client;
  spec: PanelSpec;
  layout?: "auto" | "narrow";
}

/** Every panel by its name; a new one is a line here and a view. */
export const PANELS: Record<string, ComponentType<PanelProps>> = {
  browser: Browser,
};
