import { carrier } from "./carrier.js";
import { mount } from "./mount.js";

/** The widget that carries this bundle; panels of a scope ask it to draw them. */
export default carrier(mount);
