export { steer as panel } from "./Steer.js";
export { default as css } from "./style.generated.js";
