import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { useHost } from "../host.js";
import type { AnyPanel } from "../panels/panel.js";
import { TAB_KEYS, TABS } from "../panels/tabs.js";
import type { Client } from "../protocol/client.js";
import type { PluginPanel as Listed } from "../protocol/generated.js";
import { Extras } from "./extras.js";
import { panelFromKernel, panelOf } from "./Plugged.js";
import type { PluginPanel } from "./surface.js";

/** A panel of the browser, and the key that opens it. */
export interface Tab {
  panel: AnyPanel;
  key: string | undefined;
}

const nothing = new Extras();

/** What other labextensions add; draws anew when that changes. */
export function useExtras(): Extras {
  const extras = useHost().extras ?? nothing;
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => extras.subscribe(() => redraw(0)), [extras]);
  return extras;
}

/** The panels of other packages, by name; of one name the labextension's is shown. */
export function usePlugged(client: Client, isOff: boolean): Record<string, Tab> {
  const { panels } = useExtras();
  const listed = useListed(client, isOff);
  return useMemo(() => {
    const tabs: Record<string, Tab> = {};
    const taken = new Set(["g", "b", "f", "i", "j", "k", "l", "s", "x", "o", "1", "2", "3"]);
    for (const key of Object.values(TAB_KEYS)) taken.add(key);
    const add = (name: string, key: string | undefined, panel: AnyPanel) => {
      if (name in TABS || name in tabs) return;
      const isFree = key !== undefined && /^[a-z]$/.test(key) && !taken.has(key);
      if (isFree) taken.add(key);
      tabs[name] = { panel, key: isFree ? key : undefined };
    };
    if (isOff) return tabs;
    for (const panel of panels) add(panel.name, panel.key, shownOf(panel));
    for (const told of listed) add(told.name, told.key, panelFromKernel(told.name, told));
    return tabs;
  }, [panels, listed, isOff]);
}

const made = new WeakMap<PluginPanel, AnyPanel>();

/** The panel of a labextension, the same each time: a view that is drawn stays. */
export function shownOf(plugin: PluginPanel): AnyPanel {
  const found = made.get(plugin) ?? panelOf(plugin);
  made.set(plugin, found);
  return found;
}

const NONE: readonly Listed[] = [];
const asked = new WeakMap<Client, Promise<readonly Listed[]>>();

function useListed(client: Client, isOff: boolean): readonly Listed[] {
  const [listed, setListed] = useState(NONE);
  useEffect(() => {
    if (isOff) return;
    let isGone = false;
    const coming = asked.get(client) ?? client.request("plugin.list", {}).then(({ data }) => data.panels);
    asked.set(client, coming);
    coming.then(
      (found) => !isGone && found.length > 0 && setListed(found),
      () => asked.delete(client),
    );
    return () => {
      isGone = true;
    };
  }, [client, isOff]);
  return listed;
}
