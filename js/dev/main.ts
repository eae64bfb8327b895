import { drawPanel } from "../src/draw.js";
import { mount } from "../src/mount.js";
import { picker } from "../src/views/picker/Picker.js";
import { buildAt, buildingPort } from "./build-fixture.js";
import { fixturePort, tell } from "./fixture.js";
import { linePort } from "./line.js";

const options = new URLSearchParams(location.search);
document.documentElement.classList.toggle("dark", options.has("dark"));
const panel = document.getElementById("panel");
const n = Number(options.get("n") ?? 4096);
const delay_ms = Number(options.get("delay") ?? 15);

/** States of a build to look at, by the name after `?build=`. */
const BUILDS: Record<string, ReturnType<typeof buildAt>> = {
  first: buildAt(0, {
    stage: "Reading the corpus",
    done: 12_400,
    total: 0,
    unit: "texts",
    seconds_left: null,
  }),
  running: buildAt(836_000),
  failed: buildAt(836_000, {
    error: "The index could not be written: the disk is full (0.2 GB left, 1.1 GB wanted).",
    hint: "Make room and build it again with the same out: it goes on where it stopped.",
  }),
  unfinished: buildAt(836_000, null),
};

function portOf() {
  const name = options.get("build");
  if (name === null) return fixturePort(n, delay_ms);
  const { port, world } = buildingPort(n, delay_ms, BUILDS[name] ?? buildAt(0));
  if (name === "grows") {
    let n_read = 100_000;
    setInterval(
      () => {
        n_read += 60_000;
        if (n_read > 2_300_000 || world.info.building === null) return;
        world.shift = Math.floor(n_read / 255_000);
        tell(port, world, n_read < 2_040_000 ? buildAt(n_read) : buildAt(2_040_000, null));
      },
      Number(options.get("every") ?? 1000),
    );
  }
  return port;
}

if (panel) {
  const line = options.has("build") || options.has("made-up") ? undefined : await linePort();
  const port = line?.port ?? portOf();
  const feature = options.get("feature");
  const spec = {
    scope: options.has("bare") ? "" : (line?.scopes[0]?.id ?? "dev"),
    panel: `dev-${options.get("panel")}`,
    ...(feature === null ? {} : { feature: Number(feature) }),
    state: JSON.parse(options.get("state") ?? "{}") as Record<string, unknown>,
  };
  const width = options.get("width");
  if (width !== null) panel.style.width = `${width}px`;
  const layout = options.has("narrow") ? "narrow" : "auto";
  const name = options.get("panel") ?? "browser";
  if (name === "picker") drawPanel(name, picker, port, panel, spec, { layout });
  else mount(name, port, panel, spec, { layout });
  (window as unknown as { port: unknown }).port = port;
}
