import { render } from "preact";
import { PANELS, type PanelSpec } from "./panels/index.js";
import { Client, type Port } from "./protocol/client.js";
import { Frame } from "./views/shell/Frame.js";
import css from "./views/style.generated.js";

const STYLE_ID = "saescope-style";

/** Put the style sheet into a document, once. */
export function addStyle(root: Document): void {
  const found = root.getElementById(STYLE_ID);
  if (found?.textContent === css) return;
  const style = found ?? root.createElement("style");
  style.id = STYLE_ID;
  style.textContent = css;
  if (!found) root.head.append(style);
}

export interface MountOptions {
  layout?: "auto" | "narrow";
  signal?: AbortSignal;
}

/** Draw a panel into an element, over a line to a kernel; returns what takes it away again. */
export function mount(
  name: string,
  port: Port,
  el: HTMLElement,
  spec: PanelSpec,
  options: MountOptions = {},
): () => void {
  addStyle(el.ownerDocument);
  const panel = PANELS[name];
  if (!panel) {
    el.textContent = `saescope knows no panel "${name}": the page and the kernel have different versions.`;
    return () => {};
  }
  const client = new Client(port);
  render(<Frame client={client} spec={spec} panel={panel} layout={options.layout ?? "auto"} />, el);
  const unmount = () => {
    render(null, el);
    client.close();
  };
  options.signal?.addEventListener("abort", unmount, { once: true });
  return unmount;
}
