import { createContext } from "preact";
import type { AnyPanel } from "../panels/panel.js";
import type { Client } from "../protocol/client.js";

/** What a bundle of its own holds: a panel, and the style sheet of its folder. */
export interface LaterModule {
  panel: AnyPanel;
  css: string;
}

const STYLE_ID = "saescope-style";

/** Where panels are drawn: a document, or a shadow root of a host. */
export type Root = Document | ShadowRoot;

/** Put a style sheet into a root, once: that of the core, or of a panel that comes later. */
export function addStyle(root: Root, css: string, part?: string): void {
  const id = part === undefined ? STYLE_ID : `${STYLE_ID}-${part}`;
  const found = root.getElementById(id);
  if (found?.textContent === css) return;
  const style = found ?? document.createElement("style");
  style.id = id;
  style.textContent = css;
  if (!found) (root instanceof ShadowRoot ? root : root.head).append(style);
}

/** The panels that come when they are first opened; each is fetched once a page, and again if that failed. */
export class LaterViews {
  readonly #fetch: (name: string, client: Client) => Promise<LaterModule>;
  readonly #held = new Map<string, LaterModule>();
  readonly #coming = new Map<string, Promise<LaterModule>>();
  readonly #drawnIn: Root[] = [];

  constructor(fetch: (name: string, client: Client) => Promise<LaterModule>) {
    this.#fetch = fetch;
  }

  /** Style what comes in a root too; returns what ends that. */
  join(root: Root): () => void {
    this.#drawnIn.push(root);
    for (const [name, { css }] of this.#held) addStyle(root, css, name);
    return () => {
      this.#drawnIn.splice(this.#drawnIn.indexOf(root), 1);
    };
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
      for (const root of new Set(this.#drawnIn)) addStyle(root, found.css, name);
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
