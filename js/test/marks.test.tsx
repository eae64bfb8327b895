import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { ExampleMark, FeatureNote, LayerLabel } from "../src/protocol/generated.js";
import { markOfKey } from "../src/views/notes/MarkButtons.js";

vi.setConfig({ testTimeout: 30_000 });

type Params = Record<string, unknown> & { rows?: number[]; row?: number; passage?: string; mark?: string };

const HOSTILE = [
  "<script>window.hit = 1</script>",
  "</textarea><img src=x onerror='window.hit = 1'>",
  "[x](javascript:alert(1))",
  "a\u202eb\u200fc",
  "x".repeat(10_000),
];

/** A kernel that keeps marks on rows, over the fixture's examples. */
class World {
  readonly marks = new Map<number, ExampleMark["mark"]>();
  label = "";
  layers: LayerLabel[] = [];
  version = 0;
  texts = { before: "the ", token: " ships", after: " sail" };
  readonly port: MemoryPort;

  constructor() {
    const inner = fixturePort(64, 0, { info: infoOf(64), shift: 0 });
    this.port = new MemoryPort((frame, own) => {
      const { t, rid, method, params } = frame as { t: string; rid: string; method: string; params: Params };
      const data = t === "request" ? this.#answer(method, params) : undefined;
      if (data) queueMicrotask(() => own.deliver({ t: "result", rid, data }));
      else inner.send(frame);
    });
    inner.onFrame((frame, buffers) => this.port.deliver(frame as object, buffers));
  }

  note(): FeatureNote {
    const { version, label, layers } = this;
    return {
      feature: 8,
      label,
      remark: "",
      tags: [],
      status: "",
      confidence: null,
      author: "anna",
      saved_ms: 0,
      version,
      can_undo: version > 0,
      can_redo: false,
      lists: [],
      place: "",
      n_marks: this.marks.size,
      layers,
    };
  }

  sent(method: string): Params[] {
    return this.port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Params);
  }

  #answer(method: string, params: Params): object | undefined {
    if (method === "note.get") return this.note();
    if (method === "note.set") {
      this.label = String(params["label"]);
      this.version += 1;
      return this.note();
    }
    if (method === "mark.set") {
      const row = params.row ?? Number(params.passage);
      if (params.mark) this.marks.set(row, params.mark as ExampleMark["mark"]);
      else this.marks.delete(row);
      this.version += 1;
      return this.note();
    }
    if (method !== "marks.get") return undefined;
    const marks = [...this.marks].map(([row, mark]) => ({
      passage: String(row),
      mark,
      ...this.texts,
      author: "anna",
      saved_ms: 0,
    }));
    const shown = (params.rows ?? []).flatMap((row) => {
      const mark = this.marks.get(row);
      return mark ? [{ row, mark }] : [];
    });
    return { feature: 8, marks, shown };
  }
}

let host: HTMLElement;
let world: World;
let unmount = () => {};

beforeEach(() => {
  localStorage.clear();
  world = new World();
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  unmount();
  host.remove();
});

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const until = (check: () => void) => vi.waitFor(check, { timeout: 8000 });
const example = (i: number) => all(".ss-examples li")[i];

async function show(): Promise<void> {
  unmount = mount("feature", world.port, host, { scope: "dev", feature: 8 });
  await until(() => expect(all(".ss-examples li").length).toBe(20));
}

function press(key: string, on: Element | null | undefined): void {
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}

function named(name: string, within: Element | null | undefined): HTMLButtonElement | null {
  return within?.querySelector<HTMLButtonElement>(`button[aria-label="${name}"]`) ?? null;
}

describe("a mark on an example", () => {
  test("is made by its button and by its key, shown with its name, and taken away again", async () => {
    await show();
    expect(world.sent("marks.get")).toEqual([]);
    example(1)?.querySelector<HTMLElement>(".ss-text")?.focus();
    await until(() => expect(named("typical", example(1))?.getAttribute("aria-pressed")).toBe("false"));
    named("typical", example(1))?.click();
    await until(() =>
      expect(example(1)?.querySelector(".ss-mark")?.getAttribute("aria-label")).toBe("typical"),
    );
    expect(named("typical", example(1))?.getAttribute("aria-pressed")).toBe("true");
    press("-", example(1)?.querySelector(".ss-text"));
    await until(() => expect(example(1)?.dataset["mark"]).toBe("counterexample"));
    press("-", example(1)?.querySelector(".ss-text"));
    await until(() => expect(example(1)?.dataset["mark"]).toBeUndefined());
    expect(world.sent("mark.set").map((p) => p["mark"])).toEqual(["typical", "counterexample", ""]);
    expect(all(".ss-examples .ss-mark")).toHaveLength(0);
  });

  test("is asked by the row of the example's peak", async () => {
    await show();
    press("+", example(2)?.querySelector(".ss-text"));
    await until(() => expect(world.sent("marks.get").length).toBeGreaterThan(0));
    const [change] = world.sent("mark.set");
    expect(world.sent("marks.get")[0]?.rows).toHaveLength(20);
    expect(world.sent("marks.get")[0]?.rows?.[2]).toBe(change?.row);
  });

  test("that another page made is shown when it is told", async () => {
    await show();
    press("+", example(0)?.querySelector(".ss-text"));
    await until(() => expect(example(0)?.dataset["mark"]).toBe("typical"));
    world.marks.clear();
    world.version += 1;
    world.port.deliver({
      t: "notify",
      topic: "notes",
      data: { scope: "dev", features: [8], lists: [], is_all: false },
    });
    await until(() => expect(example(0)?.dataset["mark"]).toBeUndefined());
  });

  test("is listed with its text under the remark, and taken away there", async () => {
    world.marks.set(-5, "typical");
    world.texts = { before: `far\n${"b".repeat(300)}`, token: HOSTILE[0] ?? "", after: HOSTILE[1] ?? "" };
    await show();
    await until(() => expect(find(".ss-note-preview")?.textContent).toContain("1 marked"));
    find(".ss-note-toggle")?.click();
    await until(() => expect(all(".ss-marked li")).toHaveLength(1));
    const text = find(".ss-marked-text")?.textContent ?? "";
    expect(text).toMatch(/^…b+<script>window\.hit = 1<\/script><\/textarea><img/);
    expect(find(".ss-marked mark")?.textContent).toBe(HOSTILE[0]);
    expect(all("script, img")).toHaveLength(0);
    find(".ss-marked button")?.click();
    await until(() => expect(find(".ss-marked")).toBeNull());
    expect(world.sent("mark.set")).toEqual([{ scope: "dev", feature: 8, mark: "", passage: "-5" }]);
  });

  test("has keys that leave those of the browser alone", () => {
    const event = (key: string, more: object = {}) => new KeyboardEvent("keydown", { key, ...more });
    expect(markOfKey(event("+"), undefined)).toBe("typical");
    expect(markOfKey(event("+"), "typical")).toBe("");
    expect(markOfKey(event("-"), "typical")).toBe("counterexample");
    expect(markOfKey(event("+", { ctrlKey: true }), undefined)).toBeUndefined();
    expect(markOfKey(event("x"), undefined)).toBeUndefined();
  });
});

describe("labels from elsewhere", () => {
  const layersOf = (labels: string[]) =>
    labels.map((label, i) => ({ layer: `auto ${i}`, source: "a <b>file</b>", label }));

  test("stand under one's own with their source, and become it only when asked to", async () => {
    world.layers = layersOf(["about ships"]);
    await show();
    await until(() => expect(find(".ss-layer-label")?.textContent).toBe("about ships"));
    expect(find(".ss-layers li")?.title).toBe("From “auto 0”: a <b>file</b>.");
    expect(find("textarea.ss-note-label")).toHaveProperty("value", "");
    named("Use the label of auto 0 as your own", host)?.click();
    await until(() => expect(world.label).toBe("about ships"));
    await until(() => expect(find(".ss-layers button")).toBeNull());
    expect(world.sent("note.set")).toEqual([{ scope: "dev", feature: 8, label: "about ships", version: 0 }]);
  });

  test("that are hostile or long are the text they are, cut until they are asked for", async () => {
    world.layers = layersOf(HOSTILE);
    await show();
    await until(() => expect(all(".ss-layer-label")).toHaveLength(2));
    const more = all(".ss-layers button").at(-1);
    expect(more?.textContent).toBe("all 5");
    more?.click();
    await until(() => expect(all(".ss-layer-label").map((n) => n.textContent)).toEqual(HOSTILE));
    expect(all("script, img, a")).toHaveLength(0);
    expect("hit" in window).toBe(false);
  });
});
