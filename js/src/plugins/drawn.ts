import type { Host } from "../host.js";
import type { ViewProps } from "../panels/panel.js";
import { atOf } from "./at.js";
import type { PluginNow, PluginSurface, PluginView } from "./surface.js";

type Listener = (now: PluginNow) => void | Promise<void>;

/** A plug-in's view that is drawn into an element: what it throws is told, and stays where it is. */
export class Drawn {
  readonly #life = new AbortController();
  readonly #listeners = new Set<Listener>();
  readonly #fail: (error: unknown) => void;
  #props: ViewProps;
  #host: Host;
  #now: PluginNow;
  #leave: (() => void) | undefined;

  constructor(
    el: HTMLElement,
    view: PluginView,
    props: ViewProps,
    host: Host,
    fail: (error: unknown) => void,
  ) {
    this.#props = props;
    this.#host = host;
    this.#fail = (error) => !this.#life.signal.aborted && fail(error);
    this.#now = nowOf(props);
    void this.#run(async () => {
      const leave = await view.render(this.#surface(el));
      if (typeof leave !== "function") return;
      if (this.#life.signal.aborted) leave();
      else this.#leave = leave;
    });
  }

  /** Something has changed. */
  next(props: ViewProps, host: Host): void {
    this.#props = props;
    this.#host = host;
    const next = nowOf(props);
    const names = Object.keys(next) as (keyof PluginNow)[];
    if (names.every((name) => next[name] === this.#now[name])) return;
    this.#now = next;
    for (const listener of [...this.#listeners]) void this.#run(() => listener(next));
  }

  end(): void {
    this.#life.abort();
    this.#listeners.clear();
    try {
      this.#leave?.();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  async #run(what: () => void | Promise<void>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.#fail(error);
    }
  }

  #surface(el: HTMLElement): PluginSurface {
    const props = () => this.#props;
    const now = () => this.#now;
    const { client } = this.#props;
    const { openTab } = this.#props;
    const { insertCell } = this.#host;
    return {
      ...atOf(client, () => props().info),
      get scope() {
        return props().info;
      },
      el,
      get now() {
        return now();
      },
      signal: this.#life.signal,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      update: (part) => props().update(part),
      choose: (feature) => props().choose(feature),
      pick: (features) => props().shared.pick(features),
      setText: (text) => props().shared.setText(text),
      ...(openTab && { openPanel: (name, change) => props().openTab?.(name, change) }),
      ...(insertCell && { insertCell: (code) => this.#host.insertCell?.(code, el) }),
    };
  }
}

function nowOf({ feature, shared, state, info, isNarrow, isReadOnly }: ViewProps): PluginNow {
  const { picked, text } = shared;
  return { feature, picked, text, state, scope: info, isNarrow, isReadOnly, isDark: isDark() };
}

/** By JupyterLab's theme; elsewhere by what the browser is set to. */
function isDark(): boolean {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === "false";
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false;
}
