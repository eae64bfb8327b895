import type { Mount } from "./mounting.js";
import type { PanelSpec } from "./panels/panel.js";
import { type WidgetModel, widgetPort } from "./ports/anywidget.js";

/** A widget that carries a bundle: panels ask it to draw them. */
export function carrier(draw: Mount) {
  return {
    initialize() {
      return {
        mount(panel: string, model: WidgetModel, el: HTMLElement, signal?: AbortSignal): () => void {
          const life = new AbortController();
          signal?.addEventListener("abort", () => life.abort(), { once: true });
          const unmount = draw(panel, widgetPort(model, life.signal), el, model.get("spec") as PanelSpec);
          return () => {
            unmount();
            life.abort();
          };
        },
      };
    },
  };
}
