import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Extras } from "./plugins/extras.js";

/** What the application around a panel can do for it; each where it can. */
export interface Host {
  /** Put a cell with this code below the one that holds `from`, or below the active one; runs nothing. */
  insertCell?: (code: string, from: Element) => void;
  /** Open a file of the server, by its path from the folder of the notebook that `from` belongs to. */
  openFile?: (path: string, from: Element) => void;
  /** By the panel's name: with what a new panel begins, where nobody chose otherwise. */
  readonly defaults?: Record<string, Record<string, unknown>>;
  /** Calls back when these have changed; returns what ends that. */
  onDefaults?: (listener: () => void) => () => void;
  /** What other extensions of the application add. */
  readonly extras?: Extras;
}

/** Cells draw from a bundle of their own: they find the host by this name. */
const KEY = Symbol.for("saescope.host");

type Place = { [KEY]?: Host | undefined };

/** Tell every panel of this page, in cells too, what the application can do; returns what takes it back. */
export function registerHost(host: Host): () => void {
  const place = globalThis as Place;
  place[KEY] = host;
  return () => {
    if (place[KEY] === host) place[KEY] = undefined;
  };
}

/** What was registered on this page; nothing in a plain anywidget. */
export function registeredHost(): Host {
  return (globalThis as Place)[KEY] ?? {};
}

export const HostContext = createContext<Host>({});

export function useHost(): Host {
  return useContext(HostContext);
}
