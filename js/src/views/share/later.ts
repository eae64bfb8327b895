export { share as panel } from "./Share.js";
export { default as css } from "./style.generated.js";
