import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { pairs } from "../src/data/call.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import { RequestError } from "../src/protocol/client.js";
import type { KeptLine, ScopeInfo } from "../src/protocol/generated.js";
import { againText } from "../src/views/kept/KeptList.js";
import { aboutOf, settingsFor, settingsOf, whyNot } from "../src/views/kept/keeping.js";

vi.setConfig({ testTimeout: 30_000 });

type Params = Record<string, unknown>;

const HOSTILE = "<img src=x onerror='window.hit = 1'>\u202e</textarea>";

/** A kernel that keeps results, over the fixture's features. */
class World {
  readonly lines: KeptLine[] = [];
  readonly gone = new Set<string>();
  /** What `kept.keep` fails with; `waits` for it to be stopped. */
  failure: string | undefined;
  waits = false;
  readonly port: MemoryPort;

  constructor(info: ScopeInfo = infoOf(64)) {
    const inner = fixturePort(64, 0, { info, shift: 0 });
    this.port = new MemoryPort((frame, own) => {
      const { t, rid, method, params } = frame as { t: string; rid: string; method: string; params: Params };
      if (t !== "request" || !method.startsWith("kept.")) return inner.send(frame);
      if (method === "kept.keep" && this.waits) {
        const data = { stage: "running", n_texts: 3 };
        return queueMicrotask(() => own.deliver({ t: "event", rid, data }));
      }
      const failed = method === "kept.keep" ? this.failure : undefined;
      const error = { code: "input", message: failed, hint: "Shorten it.", data: {} };
      const answer = failed
        ? { t: "error", rid, error }
        : { t: "result", rid, data: this.#answer(method, params) };
      queueMicrotask(() => own.deliver(answer));
    });
    inner.onFrame((frame, buffers) => this.port.deliver(frame as object, buffers));
  }

  sent(method: string): Params[] {
    return this.port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Params);
  }

  add(part: Partial<KeptLine> = {}): KeptLine {
    const n = this.lines.length + 1;
    const line = {
      id: String(n).padStart(12, "0"),
      feature: 8,
      title: `result ${n}`,
      method: "ablate",
      headline: "−0.82 nats on “ the”",
      author: "anna",
      time_ms: 1_700_000_000_000 + n,
      ...part,
    };
    this.lines.push(line);
    return line;
  }

  tell(): void {
    const data = { scope: "dev", features: [], lists: [], is_all: false, has_kept: true };
    this.port.deliver({ t: "notify", topic: "notes", data });
  }

  #answer(method: string, params: Params): object {
    const id = params["id"] as string;
    const result = (line: KeptLine | undefined) => ({
      line,
      code: "scope.ablate(8)",
      panel: { name: "neighbors", state: { k: 7, evil: 1, metric: 5 } },
      cut: "",
    });
    if (method === "kept.keep")
      return result(
        this.add({ feature: (params["feature"] as number) ?? null, method: String(params["method"]) }),
      );
    if (method === "kept.remove") this.gone.add(id);
    if (method === "kept.undo" && !this.gone.delete(id)) this.gone.add(id);
    const line = this.lines.find((one) => one.id === id);
    if (method === "kept.title" && line) line.title = String(params["title"]);
    if (method === "kept.get" || method === "kept.title") return result(line);
    if (method === "kept.rerun")
      return {
        is_same: false,
        differences: ["kl: 1 of 2 rows differs"],
        changed: ["another SAE"],
        failure: "",
      };
    const lines = this.lines.filter((one) => !this.gone.has(one.id));
    return method === "kept.list" ? { lines, n: lines.length } : { id };
  }
}

let host: HTMLElement;
let world: World;
let unmount = () => {};

beforeEach(() => {
  localStorage.clear();
  host = document.body.appendChild(document.createElement("div"));
});

afterEach(() => {
  unmount();
  host.remove();
});

const find = <T extends HTMLElement>(css: string) => host.querySelector<T>(css);
const button = (name: string) =>
  [...host.querySelectorAll("button")].find((b) => (b.getAttribute("aria-label") ?? b.textContent) === name);
const says = (text: string) => vi.waitFor(() => expect(host.textContent).toContain(text), 5000);

function show(panel: string, made = new World()): World {
  world = made;
  unmount = mount(panel, world.port, host, { scope: "dev", feature: 8 });
  return world;
}

async function pressKeep(): Promise<void> {
  await vi.waitFor(() => expect(button("keep")).toBeDefined(), 5000);
  button("keep")?.click();
}

describe("keep", () => {
  test("sends the call that is copied, names it, and takes it back", async () => {
    show("neighbors");
    await pressKeep();
    await says("Kept.");
    expect(world.sent("kept.keep")).toEqual([
      {
        scope: "dev",
        method: "neighbors",
        args: { feature: 8, k: 20, metric: "decoder" },
        feature: 8,
        panel: { name: "neighbors", state: expect.objectContaining({ k: 20, metric: "decoder" }) },
      },
    ]);
    expect(host.textContent).toContain("−0.82 nats on “ the”");
    const title = find<HTMLInputElement>("[aria-label='Title of what is kept']") as HTMLInputElement;
    expect(title.placeholder).toBe("result 1");
    title.value = HOSTILE;
    title.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await vi.waitFor(() => expect(world.lines[0]?.title).toBe(HOSTILE));
    button("Undo")?.click();
    await says("Not kept.");
    expect([...world.gone]).toEqual(["000000000001"]);
  });

  test("has a key, says how far it is, and can be stopped", async () => {
    const made = new World();
    made.waits = true;
    show("neighbors", made);
    await vi.waitFor(() => expect(button("keep")).toBeDefined(), 5000);
    find(".saescope")?.dispatchEvent(new KeyboardEvent("keydown", { key: "K", bubbles: true }));
    await says("Running: 3 texts.");
    button("Stop")?.click();
    await vi.waitFor(() => expect(find(".ss-keep-box")).toBeNull());
    expect(world.port.sent.filter((f) => f["t"] === "cancel")).toHaveLength(1);
    expect(button("keep")).toBeDefined();
  });

  test("says why it failed, and tries again", async () => {
    const made = new World();
    made.failure = "the text has 3,000 tokens and the model takes 2,048.";
    show("neighbors", made);
    await pressKeep();
    await says("Not kept: the text has 3,000 tokens and the model takes 2,048. Shorten it.");
    made.failure = undefined;
    button("Retry")?.click();
    await says("Kept.");
  });

  test("says why nothing can be kept, and asks nothing", async () => {
    show("try_it");
    await pressKeep();
    await says("There is no text yet");
    expect(button("keep")?.getAttribute("aria-disabled")).toBe("true");
    expect(world.sent("kept.keep")).toEqual([]);
  });

  test("knows what is missing", () => {
    const live = { isReadOnly: false, isClosed: false };
    const info = { has_model: false } as ScopeInfo;
    const neighbors = [{ method: "neighbors", args: { feature: 1 } }];
    const ablate = [{ method: "ablate", args: { text: "a", features: 1 } }];
    expect(whyNot(neighbors, info, live)).toBe("");
    expect(whyNot(ablate, info, live)).toContain("runs the model");
    expect(whyNot(ablate, { has_model: true } as ScopeInfo, live)).toBe("");
    expect(whyNot([], info, live)).toContain("nothing to keep");
    expect(whyNot([{ method: "prompt", args: { text: ["a", ""] } }], info, live)).toContain("no text");
    expect(whyNot(neighbors, info, { ...live, isReadOnly: true })).toContain("snapshot");
    expect(whyNot(neighbors, info, { ...live, isClosed: true })).toContain("kernel is gone");
  });

  test("knows what a result is about", () => {
    const about = (args: Parameters<typeof aboutOf>[0]["args"], selected?: number) =>
      aboutOf({ method: "x", args }, selected);
    expect(about({ feature: 3 }, 9)).toBe(3);
    expect(about({ examples: 4, k: 20 })).toBe(4);
    expect(about({ features: [3, 9] }, 9)).toBe(9);
    expect(about({ features: pairs([[7, 2]]) })).toBe(7);
    expect(about({ features: [{ feature: 5, kind: "zero" }] })).toBe(5);
    expect(about({ text: "a" }, 9)).toBeUndefined();
  });

  test("keeps settings, and gives back those that fit", () => {
    expect(settingsOf({ text: "", k: 3, runs: [1], locked: 4 }, "shared")).toEqual({ text: "shared", k: 3 });
    const initial = { text: "", k: 20, at: null, list: [1] };
    const kept = { text: 5, k: 7, at: { pos: 1 }, list: {}, evil: 1, locked: 3 };
    expect(settingsFor(initial, kept)).toEqual({ k: 7, at: { pos: 1 } });
    expect(settingsFor(initial, "x")).toEqual({});
  });
});

describe("kept results", () => {
  test("stand on the feature's page, the newest first, and change with others", async () => {
    const made = new World();
    made.add({ title: HOSTILE });
    made.add({ feature: 9 });
    for (let i = 0; i < 3; i++) made.add();
    show("feature", made);
    await says("result 5");
    const titles = () => [...host.querySelectorAll(".ss-kept-title")].map((e) => e.textContent);
    expect(titles()).toEqual(["result 5", "result 4", "result 3"]);
    button("all 4 kept")?.click();
    await says(HOSTILE);
    expect(host.querySelector("img")).toBeNull();
    made.add({ title: "from another notebook" });
    made.tell();
    await says("from another notebook");
  });

  test("are taken away and come back, copied as code, and run again", async () => {
    const made = new World();
    made.add();
    show("feature", made);
    await says("result 1");
    const copied = vi.fn().mockResolvedValue(undefined);
    Object.defineProperty(navigator, "clipboard", { value: { writeText: copied }, configurable: true });
    button("code")?.click();
    await vi.waitFor(() => expect(copied).toHaveBeenCalledWith("scope.ablate(8)"));
    button("again")?.click();
    await says("Not the same: kl: 1 of 2 rows differs. Changed since: another SAE.");
    button("Take away: result 1")?.click();
    await says("Taken away: result 1");
    button("undo")?.click();
    await vi.waitFor(() => expect(host.querySelectorAll(".ss-kept-title")).toHaveLength(1));
    expect(host.textContent).not.toContain("Taken away");
  });

  test("open the panel they came from, with its settings", async () => {
    const made = new World();
    made.add();
    show("browser", made);
    await says("result 1");
    button("open")?.click();
    await vi.waitFor(() => expect(find("[role=tabpanel]")?.getAttribute("aria-label")).toBe("Neighbors"));
    await vi.waitFor(() =>
      expect(world.sent("neighbors.list").at(-1)).toMatchObject({ k: 7, metric: "decoder" }),
    );
  });

  test("are not there where nothing was kept", async () => {
    show("feature");
    await vi.waitFor(() => expect(world.sent("kept.list")).toHaveLength(1), 5000);
    expect(find(".ss-kept-results")).toBeNull();
  });

  test("tell what came of another run", () => {
    const same = { is_same: true, differences: [], changed: [], failure: "" };
    expect(againText(same)).toBe("The same again, within rounding.");
    expect(againText({ ...same, is_same: false, failure: "there is no feature 9." })).toBe(
      "It fails now: there is no feature 9.",
    );
    const error = new RequestError({ code: "x", message: "Gone.", hint: "Run it.", data: {} });
    expect(againText(error)).toBe("It was not run: Gone. Run it.");
  });
});
