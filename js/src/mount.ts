import { chunkViews } from "./later/chunks.js";
import { mountWith } from "./mounting.js";

/** Draw the panel of a name into an element, where an application bundles this package. */
export const mount = mountWith(chunkViews);
