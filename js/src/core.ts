import { mount } from "./mount.js";
import type { PanelSpec } from "./panels/index.js";
import { type WidgetModel, widgetPort } from "./ports/anywidget.js";

/** The widget that carries this bundle; panels ask it to draw them. */
export default {
  initialize() {
    return {
      mount(panel: string, model: WidgetModel, el: HTMLElement, signal?: AbortSignal): () => void {
        const life = new AbortController();
        signal?.addEventListener("abort", () => life.abort(), { once: true });
        const unmount = mount(panel, widgetPort(model, life.signal), el, model.get("spec") as PanelSpec);
        return () => {
          unmount();
          life.abort();
        };
      },
    };
  },
};
