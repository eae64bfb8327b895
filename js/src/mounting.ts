import { drawPanel, type MountOptions } from "./draw.js";
import { registeredHost } from "./host.js";
import type { LaterViews } from "./later/views.js";
import { PANELS, type PanelSpec } from "./panels/index.js";
import type { AnyPanel } from "./panels/panel.js";
import { panelFromKernel } from "./plugins/Plugged.js";
import { shownOf } from "./plugins/usePlugins.js";
import type { Port } from "./protocol/client.js";

/** Draws the panel of a name into an element; see `drawPanel`. */
export type Mount = (
  name: string,
  port: Port,
  el: HTMLElement,
  spec: PanelSpec,
  options?: MountOptions,
) => () => void;

/** A way to draw panels, those that come later from one place. */
export function mountWith(later: LaterViews): Mount {
  return (name, port, el, spec, options = {}) => {
    const panel = PANELS[name] ?? pluggedPanel(name, spec, options);
    if (panel) return drawPanel(name, panel, port, el, spec, { later, ...options });
    el.textContent = `saescope knows no panel "${name}": the page and the kernel have different versions.`;
    return () => {};
  };
}

function pluggedPanel(name: string, spec: PanelSpec, { host }: MountOptions): AnyPanel | undefined {
  const added = (host ?? registeredHost()).extras?.panels.find((panel) => panel.name === name);
  if (added) return shownOf(added);
  return spec.plugin && panelFromKernel(name, spec.plugin);
}
