import type { Client } from "../protocol/client.js";
import type { ScopeInfo } from "../protocol/generated.js";
import type { PluginAt } from "./surface.js";

const KEY = Symbol.for("saescope.at");

type Place = Element & { [KEY]?: PluginAt | undefined };

/** A scope and its line, as plug-ins have them. */
export function atOf(client: Client, info: () => ScopeInfo): PluginAt {
  return {
    get scope() {
      return info();
    },
    ask: (method, params = {}, options = {}) =>
      client.request(method, { scope: info().id, ...params } as never, options),
    answer: async (panel, question, params = {}, options = {}) => {
      const asked = { scope: info().id, panel, question, params };
      return (await client.request("plugin.ask", asked, options)).data.data;
    },
  };
}

/** Tell which scope a panel's element shows. */
export function setAt(root: Element | null, at: PluginAt | undefined): void {
  if (root) (root as Place)[KEY] = at;
}

/** The scope that the panel around an element shows. */
export function findAt(from: Element): PluginAt | undefined {
  return (from.closest(".saescope") as Place | null)?.[KEY];
}
