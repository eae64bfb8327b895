export { map as panel } from "./Map.js";
export { default as css } from "./style.generated.js";
