export { compare as panel } from "./Compare.js";
export { default as css } from "./style.generated.js";
