import { createContext } from "preact";
import type { AnyPanel } from "../panels/panel.js";
import type { Client } from "../protocol/client.js";

/** What a bundle of its own holds: a panel, and the style sheet of its folder. */
export interface LaterModule {
  panel: AnyPanel;
  css: string;
}

const STYLE_ID = "saescope-style";

/** Put a style sheet into the document, once: that of the core, or of a panel that comes later. */
export function addStyle(root: Document, css: string, part?: string): void {
  const id = part === undefined ? STYLE_ID : `${STYLE_ID}-${part}`;
  const found = root.getElementById(id);
  if (found?.textContent === css) return;
  const style = found ?? root.createElement("style");
  style.id = id;
  style.textContent = css;
  if (!found) root.head.append(style);
}

/** The panels that come when they are first opened; each is fetched once a page, and again if that failed. */
export class LaterViews {
  readonly #fetch: (name: string, client: Client) => Promise<LaterModule>;
  readonly #held = new Map<string, LaterModule>();
  readonly #coming = new Map<string, Promise<LaterModule>>();

  constructor(fetch: (name: string, client: Client) => Promise<LaterModule>) {
    this.#fetch = fetch;
  }

  /** The panel of a name, if it is here. */
  get(name: string): AnyPanel | undefined {
    return this.#held.get(name)?.panel;
  }

  async fetch(name: string, client: Client): Promise<AnyPanel> {
    const coming = this.#coming.get(name) ?? this.#fetch(name, client);
    this.#coming.set(name, coming);
    try {
      const found = await coming;
      this.#held.set(name, found);
      addStyle(document, found.css, name);
      return found.panel;
    } catch (error) {
      if (this.#coming.get(name) === coming) this.#coming.delete(name);
      throw error;
    }
  }
}

const nowhere = new LaterViews((name) =>
  Promise.reject(new Error(`The page has no way to the panel ${name}.`)),
);

export const LaterContext = createContext(nowhere);
