import { MemoryPort } from "../src/ports/memory.js";
import type { BuildInfo, ScopeInfo } from "../src/protocol/generated.js";
import { fixturePort, infoOf, tell, type World } from "./fixture.js";

const PLANNED = 2_040_000;
const SHARD = 255_000;

/** How a build stands that has read so many tokens; what is shown grows by whole shards. */
export function buildAt(n_read: number, building: Partial<BuildInfo> | null = {}): Partial<ScopeInfo> {
  const n_tokens = Math.min(PLANNED, Math.floor(n_read / SHARD) * SHARD);
  const rate = 1240;
  const stage = { stage: "Running the model", unit: "tokens", done: n_read, total: PLANNED, rate };
  const ends = { seconds_left: (PLANNED - n_read) / rate, error: "", hint: "" };
  return {
    n_tokens,
    n_counted: n_tokens,
    n_tokens_planned: PLANNED,
    has_index: n_tokens > 0,
    is_complete: n_read >= PLANNED,
    building: building && { ...stage, ...ends, ...building },
  };
}

/** A made-up kernel that is building; `build.stop` ends the build half a second later. */
export function buildingPort(n: number, delay_ms: number, start: Partial<ScopeInfo>) {
  const world: World = { info: { ...infoOf(n), ...start }, shift: 0 };
  const answers = fixturePort(n, delay_ms, world);
  const port: MemoryPort = new MemoryPort((frame) => {
    answers.send(frame);
    if (frame["method"] === "build.stop") setTimeout(() => tell(port, world, { building: null }), 500);
  });
  answers.onFrame((frame) => port.deliver(frame as object));
  return { port, world };
}
