import { type LaterModule, LaterViews } from "./views.js";

const CHUNKS: Record<string, () => Promise<LaterModule>> = {
  circuit: () => import("../views/circuit/later.js"),
  compare: () => import("../views/compare/later.js"),
  map: () => import("../views/map/later.js"),
  prompt: () => import("../views/prompt/later.js"),
  share: () => import("../views/share/later.js"),
  steer: () => import("../views/steer/later.js"),
};

/** Panels from chunks of the application that bundles this package: no kernel is needed. */
export const chunkViews = new LaterViews(async (name) => {
  const load = CHUNKS[name];
  if (!load) throw new Error(`There is no panel ${name} here.`);
  return load();
});
