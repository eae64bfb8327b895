import { render } from "preact";
import { type Host, HostContext, registeredHost } from "./host.js";
import { addStyle, LaterContext, type LaterViews } from "./later/views.js";
import type { AnyPanel, PanelSpec } from "./panels/panel.js";
import { Client, type Port } from "./protocol/client.js";
import { BareFrame } from "./views/shell/BareFrame.js";
import { Frame } from "./views/shell/Frame.js";
import css from "./views/style.generated.js";

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
  /** Where panels come from that are fetched when they are first opened. */
  later?: LaterViews;
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
  const around = el.getRootNode();
  const root = around instanceof ShadowRoot ? around : el.ownerDocument;
  addStyle(root, css);
  const client = new Client(port);
  const { layout = "auto", host = registeredHost(), onState, onHandle, later } = options;
  const leave = later?.join(root);
  const initial = { ...panel.initial, ...host.defaults?.[name] };
  const common = { client, spec, initial, layout, onState, onHandle };
  render(
    <HostContext.Provider value={host}>
      {panel.bare && !spec.scope ? (
        <BareFrame {...common} title={panel.title} height_px={panel.height_px} bare={panel.bare} />
      ) : later ? (
        <LaterContext.Provider value={later}>
          <Frame {...common} name={name} panel={panel} />
        </LaterContext.Provider>
      ) : (
        <Frame {...common} name={name} panel={panel} />
      )}
    </HostContext.Provider>,
    el,
  );
  const unmount = () => {
    render(null, el);
    leave?.();
    client.close();
  };
  options.signal?.addEventListener("abort", unmount, { once: true });
  return unmount;
}
