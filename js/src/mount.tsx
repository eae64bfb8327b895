import { render } from "preact";
import { PANELS, type PanelSpec } from "./panels/index.js";
import { Client, type Port } from "./protocol/client.js";
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
  panel: string,
  port: Port,
  el: HTMLElement,
  spec: PanelSpec,
  options: MountOptions = {},
): () => void {
  addStyle(el.ownerDocument);
  const View = PANELS[panel];
  if (!View) {
    el.textContent = `saescope knows no panel "${panel}": the page and the kernel have different versions.`;
    return () => {};
  }
  const client = new Client(port);
  render(<View client={client} spec={spec} layout={options.layout ?? "auto"} />, el);
  const unmount = () => {
    render(null, el);
    client.close();
  };
  options.signal?.addEventListener("abort", unmount, { once: true });
  return unmount;
}
