import { importFromKernel } from "./importing.js";
import { KIT } from "./kit.js";
import { type LaterModule, LaterViews } from "./views.js";

/** A bundle of a panel: what it shares with the core is handed to it. */
interface Bundle {
  default: (need: (name: string) => unknown) => LaterModule;
}

function need(name: string): unknown {
  if (name in KIT) return KIT[name];
  throw new Error("The page and the kernel have different versions of saescope: reload the page.");
}

/** Panels that the kernel sends, where there is no other place to fetch them from. */
export const kernelViews = new LaterViews(async (name, client) => {
  const bundle = (await importFromKernel(client, name)) as Bundle;
  return bundle.default(need);
});
