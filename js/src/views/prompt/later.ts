export { prompt as panel } from "./Prompt.js";
export { default as css } from "./style.generated.js";
