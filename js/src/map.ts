/** The drawing of the map: fetched by `views/map/bundle.ts` when a map is first opened. */
export { createChart } from "./views/map/plot/chart.js";
