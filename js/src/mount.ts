import { drawPanel, type MountOptions } from "./draw.js";
import { PANELS, type PanelSpec } from "./panels/index.js";
import type { Port } from "./protocol/client.js";

/** Draw the panel of a name into an element; see `drawPanel`. */
export function mount(
  name: string,
  port: Port,
  el: HTMLElement,
  spec: PanelSpec,
  options: MountOptions = {},
): () => void {
  const panel = PANELS[name];
  if (panel) return drawPanel(name, panel, port, el, spec, options);
  el.textContent = `saescope knows no panel "${name}": the page and the kernel have different versions.`;
  return () => {};
}
