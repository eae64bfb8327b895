export { circuit as panel } from "./Circuit.js";
export { default as css } from "./style.generated.js";
