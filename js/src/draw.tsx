import { render } from "preact";
import { type Host, HostContext, registeredHost } from "./host.js";
import type { AnyPanel, PanelSpec } from "./panels/panel.js";
import { Client, type Port } from "./protocol/client.js";
import { BareFrame } from "./views/shell/BareFrame.js";
import { Frame } from "./views/shell/Frame.js";
import css from "./views/style.generated.js";

const STYLE_ID = "saescope-style";

/** Put the style sheet into a document, or into the shadow root in which a host draws, once. */
export function addStyle(root: Document | ShadowRoot): void {
  const found = root.getElementById(STYLE_ID);
  if (found?.textContent === css) return;
  const style = found ?? document.createElement("style");
  style.id = STYLE_ID;
  style.textContent = css;
  if (!found) (root instanceof ShadowRoot ? root : root.head).append(style);
}

/** What whoever drew a panel can do with it. */
export interface PanelHandle {
  /** Change the panel's state, as a person would. */
  update: (part: Record<string, unknown>) => void;
}

export interface MountOptions {
  layout?: "auto" | "narrow";
  signal?: AbortSignal;
  /** What the application can do; by default what was registered on the page. */
  host?: Host;
  /** Hears of the panel's state when it has changed, and once at the start. */
  onState?: (state: Record<string, unknown>) => void;
  onHandle?: (handle: PanelHandle) => void;
}

/** Draw a panel into an element, over a line to a kernel; returns what takes it away again. */
export function drawPanel(
  name: string,
  panel: AnyPanel,
  port: Port,
  el: HTMLElement,
  spec: PanelSpec,
  options: MountOptions = {},
): () => void {
  const root = el.getRootNode();
  addStyle(root instanceof ShadowRoot ? root : el.ownerDocument);
  const client = new Client(port);
  const { layout = "auto", host = registeredHost(), onState, onHandle } = options;
  const initial = { ...panel.initial, ...host.defaults?.[name] };
  const common = { client, spec, initial, layout, onState, onHandle };
  render(
    <HostContext.Provider value={host}>
      {panel.bare && !spec.scope ? (
        <BareFrame {...common} title={panel.title} height_px={panel.height_px} bare={panel.bare} />
      ) : (
        <Frame {...common} name={name} panel={panel} />
      )}
    </HostContext.Provider>,
    el,
  );
  const unmount = () => {
    render(null, el);
    client.close();
  };
  options.signal?.addEventListener("abort", unmount, { once: true });
  return unmount;
}
