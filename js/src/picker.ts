import { carrier } from "./carrier.js";
import { drawPanel } from "./draw.js";
import { picker } from "./views/picker/Picker.js";

/** The picker alone: it has no scope, and few pages show it. */
export default carrier((name, port, el, spec, options) => drawPanel(name, picker, port, el, spec, options));
