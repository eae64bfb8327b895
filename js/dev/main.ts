import { mount } from "../src/mount.js";
import { fixturePort } from "./fixture.js";

const options = new URLSearchParams(location.search);
document.documentElement.classList.toggle("dark", options.has("dark"));
const panel = document.getElementById("panel");
if (panel) {
  const port = fixturePort(Number(options.get("n") ?? 4096), Number(options.get("delay") ?? 15));
  mount("browser", port, panel, { scope: "dev" }, { layout: options.has("narrow") ? "narrow" : "auto" });
  (window as unknown as { port: unknown }).port = port;
}
