import { carrier } from "./carrier.js";
import { kernelViews } from "./later/fromKernel.js";
import { mountWith } from "./mounting.js";

/** The widget that carries this bundle; panels of a scope ask it to draw them. */
export default carrier(mountWith(kernelViews));
