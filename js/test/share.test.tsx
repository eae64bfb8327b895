import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { NO_FILTER } from "../src/data/query.js";
import type { Shared } from "../src/data/shared.js";
import { registerHost } from "../src/host.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { ExportKind, ExportPlan, NotesPreview } from "../src/protocol/generated.js";
import { size } from "../src/views/share/size.js";
import { byOf, INITIAL, pathOf, shareCode, viewOf, whichOf } from "../src/views/share/state.js";
import { visible } from "../src/views/share/unseen.js";

const HOSTILE = '<img src=x onerror=alert(1)> </textarea> \u202e "x"';

function kindOf(kind: string, part: Partial<ExportKind> = {}): ExportKind {
  return {
    kind,
    title: kind.toUpperCase(),
    meaning: `Write ${kind}.`,
    group: "tables",
    is_folder: false,
    name: `features.${kind}`,
    takes_features: true,
    options: [],
    defaults: {},
    others: [],
    package: "saescope",
    problem: "",
    ...part,
  };
}

const option = (name: string, type: ExportKind["options"][number]["type"], choices: string[] = []) => ({
  name,
  meaning: `What ${name} is.`,
  type,
  choices,
  is_needed: name === "owner",
});

const TOOL = kindOf("tool", {
  group: "tools",
  is_folder: true,
  name: "tool",
  options: [
    option("owner", "text"),
    option("depth", "whole"),
    option("style", "choice", ["plain", "rich"]),
    option("is_loud", "switch"),
    option("parts", "parts", ["a", "b"]),
    option("conclusion", "long"),
  ],
  defaults: { owner: "", depth: 3, style: "plain", is_loud: false, parts: ["a", "b"], conclusion: "" },
  others: ["hook"],
});
const BROKEN = kindOf("broken", { group: "tools", problem: "The plug-in 'broken' failed to load." });
const NOTES = kindOf("notes", { group: "notes", title: "Text", name: "notes.jsonl", takes_features: false });
const PLAN: ExportPlan = {
  n_features: 12,
  n_labelled: 4,
  path: "/work/features.csv",
  shown: "features.csv",
  there: "nothing",
  n_bytes: 0,
  changed_ms: 0,
  free: "features-2.csv",
  problem: "",
  hint: "",
  unmet: "",
};
const PREVIEW: NotesPreview = {
  path: "notes.jsonl",
  changes: [
    { what: "note", feature: 7, name: "", field: "label", old: "mine", new: HOSTILE, change: "conflict" },
    { what: "list", feature: null, name: "watch", field: "features", old: "[]", new: "[1]", change: "add" },
  ],
  n_changes: 2,
  n_conflicts: 1,
  n_own: 3,
  digest: "d1",
};

let host: HTMLElement;
let unmount = () => {};
beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  unmount();
  host.remove();
});

const find = <T extends HTMLElement>(selector: string) => host.querySelector<T>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const button = (text: string) => all("button").find((b) => b.textContent?.trim().startsWith(text));
const wait = (check: () => void) => vi.waitFor(check, { timeout: 3000 });
const shows = (text: string) => wait(() => expect(host.textContent).toContain(text));
const press = (text: string) =>
  wait(() => {
    expect(button(text)?.hasAttribute("disabled")).toBe(false);
    button(text)?.click();
  });
function type(selector: string, text: string) {
  const box = find<HTMLInputElement>(selector);
  if (!box) throw new Error(`no ${selector}`);
  box.value = text;
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

type Answers = Record<string, object | ((params: Record<string, unknown>) => object | undefined)>;

/** A kernel that answers as told; an answer with a `message` is an error, and none at all keeps it waiting. */
function kernel(own: Answers = {}, info: object = {}): MemoryPort {
  const known: Answers = {
    "scope.info": { ...infoOf(64), ...info },
    "scope.selection": { scope: "dev", feature: 9, picked: [3, 5], text: "" },
    "lists.get": { lists: [{ name: HOSTILE, n_features: 2, author: "", saved_ms: 0, version: 1 }] },
    "share.kinds": { kinds: [kindOf("csv"), TOOL, BROKEN, NOTES], folder: "/work" },
    "share.plan": PLAN,
    "share.estimate": { n_features: 12, seconds: 4, n_bytes: 1_200_000, n_sampled: 9, each_ms: 300 },
    "layers.get": { layers: [], undo: "" },
    ...own,
  };
  return new MemoryPort((frame, port) => {
    if (frame["t"] !== "request") return;
    const { rid, method, params } = frame as { rid: string; method: string; params: Record<string, unknown> };
    const answer = known[method] ?? {};
    const data = typeof answer === "function" ? answer(params) : answer;
    if (data === undefined) return;
    if ("message" in data) return port.deliver({ t: "error", rid, error: { hint: "", data: {}, ...data } });
    port.deliver({ t: "result", rid, data });
  });
}

function show(port: MemoryPort, state: object = {}): void {
  unmount = mount("share", port, host, { scope: "dev", feature: 9, state: state as Record<string, unknown> });
}

const asked = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);

describe("an export", () => {
  test("says how much it will be, then writes what is marked where it is told", async () => {
    const done = {
      path: "/work/mine.csv",
      shown: "mine.csv",
      is_folder: false,
      n_features: 2,
      n_files: 1,
      n_bytes: 2048,
      seconds: 0.1,
    };
    const port = kernel({ "share.export": done });
    show(port);
    await shows("12 features, about 1.20\u2009MB in 4\u2009s");
    type("[role=combobox]", "mine.csv");
    await wait(() => expect(asked(port, "share.plan").at(-1)).toMatchObject({ path: "mine.csv" }));
    await press("Export");
    await shows("Wrote mine.csv 2 features · 2.05\u2009kB");
    expect(asked(port, "share.export")).toEqual([
      {
        scope: "dev",
        kind: "csv",
        path: "mine.csv",
        which: { by: "these", features: [3, 5], name: "", filter: null, sort: "max", descending: true },
        options: {},
        overwrite: false,
      },
    ]);
  });

  test("never replaces a file unasked, and offers a name that is free", async () => {
    const port = kernel({
      "share.plan": ({ path }) =>
        path === "features.csv"
          ? { ...PLAN, there: "file", n_bytes: 12, changed_ms: Date.now() - 180_000 }
          : PLAN,
      "share.export": { message: "The disk is full.", code: "store", hint: "Make room." },
    });
    show(port);
    await shows("features.csv is there already: 12\u2009bytes, 3\u2009min ago.");
    expect(button("Export")).toBeUndefined();
    find<HTMLFormElement>("form")?.requestSubmit();
    expect(asked(port, "share.export")).toEqual([]);
    await press("Write features-2.csv");
    await shows("Nothing was written: The disk is full. Make room.");
    expect(asked(port, "share.export")[0]).toMatchObject({ path: "features-2.csv", overwrite: false });
    expect(find("[role=alert]")).not.toBeNull();
    type("[role=combobox]", "features.csv");
    await wait(() => expect(asked(port, "share.plan").at(-1)).toMatchObject({ path: "features.csv" }));
    await press("Replace it");
    await wait(() =>
      expect(asked(port, "share.export")[1]).toMatchObject({ path: "features.csv", overwrite: true }),
    );
  });

  test("says what is in the way before it begins", async () => {
    let plan: object = { ...PLAN, problem: "The folder / cannot be written to.", hint: "Choose another." };
    const port = kernel({ "share.plan": () => plan });
    show(port);
    await shows("The folder / cannot be written to. Choose another.");
    expect(button("Export")?.hasAttribute("disabled")).toBe(true);
    plan = { ...PLAN, n_features: 0, unmet: "No feature has a label yet." };
    all("label")
      .find((l) => l.textContent?.startsWith("labelled"))
      ?.click();
    await shows("No feature has a label yet.");
    expect(button("Export")?.hasAttribute("disabled")).toBe(true);
    plan = { ...PLAN, there: "folder", free: "tool-2" };
    find("nav [title='Write tool.']")?.click();
    await press("Write tool-2").catch(() => {});
    expect(asked(port, "share.export")).toEqual([]);
  });

  test("goes on while another panel is looked at, is seen and stopped", async () => {
    const port = kernel({ "share.export": () => undefined });
    show(port);
    await press("Export");
    await wait(() => expect(asked(port, "share.export")).toHaveLength(1));
    const rid = port.sent.find((f) => f["method"] === "share.export")?.["rid"];
    const data = { stage: "Exporting", unit: "feature", done: 3, total: 12, seconds_left: 9 };
    port.deliver({ t: "event", rid, data });
    await shows("Exporting · 3 of 12 features · 9\u2009s left");
    expect(find("[role=progressbar]")?.getAttribute("aria-valuenow")).toBe("25");
    find("nav [title='Write tool.']")?.click();
    await shows("Exporting · 3 of 12 features");
    await press("Stop");
    await shows("Stopped: nothing half-written stays.");
    expect(port.sent.filter((f) => f["t"] === "cancel")).toEqual([{ t: "cancel", rid }]);
  });

  test("a form is drawn from what the exporter says, and only what was changed is sent", async () => {
    const port = kernel();
    show(port, { view: "tool" });
    await shows("Still needed: owner.");
    expect(button("Export")?.hasAttribute("disabled")).toBe(true);
    expect(host.textContent).toContain("In Python also: hook");
    const field = (label: string) => {
      const own = all("label").find((l) => l.textContent?.startsWith(label)) as HTMLLabelElement;
      return document.getElementById(own.htmlFor) as HTMLInputElement;
    };
    const set = (label: string, value: string) => {
      const box = field(label);
      box.value = value;
      box.dispatchEvent(new Event(box instanceof HTMLSelectElement ? "change" : "input", { bubbles: true }));
    };
    set("owner", HOSTILE);
    set("depth", "x");
    await wait(() => expect(field("depth").getAttribute("aria-invalid")).toBe("true"));
    set("depth", "5");
    set("style", "rich");
    set("conclusion", "two\nlines");
    all("label")
      .find((l) => l.textContent === "is loud")
      ?.click();
    all("label")
      .find((l) => l.textContent === "a")
      ?.click();
    await press("Export");
    await wait(() =>
      expect(asked(port, "share.export")[0]).toMatchObject({
        options: {
          owner: HOSTILE,
          depth: 5,
          style: "rich",
          is_loud: true,
          parts: ["b"],
          conclusion: "two\nlines",
        },
      }),
    );
    expect(host.querySelector("img")).toBeNull();
  });

  test("a plug-in that fails says so and leaves the others usable", async () => {
    show(kernel());
    await shows("Write csv.");
    all("nav button")
      .find((b) => b.textContent === "BROKEN")
      ?.click();
    await shows("The plug-in 'broken' failed to load.");
    expect(button("Export")).toBeUndefined();
    all("nav button")
      .find((b) => b.textContent === "CSV")
      ?.click();
    await shows("Write csv.");
  });

  test("the host opens what was written, where it can", async () => {
    const opened: string[] = [];
    const off = registerHost({ openFile: (path) => opened.push(path) });
    const done = { ...PLAN, path: "/work/a.csv", shown: "a.csv", is_folder: false, n_files: 1, seconds: 0 };
    show(kernel({ "share.export": done }));
    await press("Export");
    await press("open");
    expect(opened).toEqual(["a.csv"]);
    off();
  });

  test("a snapshot exports nothing, and says so", async () => {
    const port = kernel();
    Object.assign(port, { isSnapshot: true });
    show(port);
    await shows("This is a snapshot: nothing can be exported from it.");
    expect(asked(port, "share.kinds")).toEqual([]);
  });
});

test("files are completed with the keys, folders first gone into", async () => {
  const entry = (path: string, is_folder = false) => ({
    path,
    name: path,
    is_folder,
    n_bytes: 1,
    changed_ms: 0,
  });
  const port = kernel({
    "share.files": ({ path }) => ({
      folder: "/work",
      entries: path === "data/" ? [entry("data/x.jsonl")] : [entry("a.jsonl"), entry("data/", true)],
      n_more: path === "" ? 3 : 0,
    }),
    "import.preview": PREVIEW,
  });
  show(port, { view: "import-notes" });
  await wait(() => expect(find("[role=combobox]")).not.toBeNull());
  const box = find<HTMLInputElement>("[role=combobox]");
  const key = (name: string) =>
    box?.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  box?.click();
  await shows("and 3 more: type on");
  key("ArrowDown");
  await wait(() => expect(find("[aria-selected=true]")?.textContent).toContain("a.jsonl"));
  key("ArrowDown");
  await wait(() => expect(find("[aria-selected=true]")?.textContent).toContain("data/"));
  key("Enter");
  await wait(() => expect(find("[role=option]")?.textContent).toContain("data/x.jsonl"));
  expect(asked(port, "import.preview")).toEqual([]);
  key("ArrowUp");
  await wait(() => expect(find("[aria-selected=true]")?.textContent).toContain("data/x.jsonl"));
  key("Enter");
  await wait(() => expect(asked(port, "import.preview")[0]).toMatchObject({ path: "data/x.jsonl" }));
  expect(box?.getAttribute("aria-expanded")).toBe("false");
});

describe("notes from a file", () => {
  test("show what they change, wait for a word on conflicts, are taken in and taken back", async () => {
    const port = kernel({
      "import.preview": PREVIEW,
      "import.notes": { n_changed: 2, undo: "u1" },
      "import.undo": { n_undone: 1, n_kept: 1 },
    });
    show(port, { view: "import-notes", notesPath: "notes.jsonl" });
    await shows("3 changes made only here stay.");
    expect(all("tbody tr")[0]?.textContent).toContain("#7 label! conflictmine<img src=x onerror=alert(1)>");
    expect(host.textContent).toContain("‹U+202E›");
    expect(host.querySelector("img")).toBeNull();
    expect(button("Take in 2 changes")?.hasAttribute("disabled")).toBe(true);
    all("label")
      .find((l) => l.textContent === "what is here stays")
      ?.click();
    await press("Take in 1 change");
    await shows("Taken in: 2 notes and lists changed.");
    expect(asked(port, "import.notes")).toEqual([
      { scope: "dev", path: "notes.jsonl", digest: "d1", conflicts: "mine", is_forced: false },
    ]);
    await press("Undo");
    await shows("Taken back: 1. 1 were changed since, and stay.");
  });

  test("say which line is none", async () => {
    const message = "/work/notes.jsonl, line 3: '<<<<<<<' is left of a git merge: settle the conflict.";
    show(kernel({ "import.preview": { code: "input", message } }), {
      view: "import-notes",
      notesPath: "notes.jsonl",
    });
    await shows("line 3: '<<<<<<<' is left of a git merge");
    expect(button("Take in")).toBeUndefined();
  });

  test("on another SAE are shown only when that is asked for", async () => {
    const port = kernel({
      "import.preview": ({ is_forced }) =>
        is_forced ? PREVIEW : { code: "mismatch", message: "notes.jsonl holds notes on another SAE." },
    });
    show(port, { view: "import-notes", notesPath: "notes.jsonl" });
    await shows("Notes.jsonl holds notes on another SAE.");
    await press("Show it all the same");
    await shows("3 changes made only here stay.");
  });
});

test("labels are shown, named, added, removed and brought back", async () => {
  const layer = { name: HOSTILE, source: "a colleague", n_labels: 3, author: "me", saved_ms: Date.now() };
  let layers = { layers: [] as object[], undo: "" };
  const port = kernel({
    "layers.preview": {
      name: "theirs",
      source: "theirs.csv",
      n_labels: 300,
      n_own: 1,
      n_replaced: 0,
      rows: [{ feature: 2, label: HOSTILE, own: "own" }],
    },
    "layers.get": () => layers,
    "layers.add": () => {
      layers = { layers: [layer], undo: "added “x”" };
      return layers;
    },
    "layers.remove": () => {
      layers = { layers: [], undo: "removed “x”" };
      return layers;
    },
  });
  show(port, { view: "import-labels", labelsPath: "theirs.csv" });
  await shows("1 of these features has a label of yours, which stays above.");
  expect(host.textContent).toContain("and 299 more");
  type("input[placeholder=theirs]", "gpt");
  await wait(() => expect(asked(port, "layers.preview").at(-1)).toMatchObject({ name: "gpt" }));
  await press("Add 300 labels");
  await shows("3 · a colleague · me, now");
  expect(asked(port, "layers.add")[0]).toMatchObject({ path: "theirs.csv", name: "gpt", replaces: false });
  await press("remove");
  await shows("Removed “x”.");
  await press("Undo");
  await wait(() => expect(asked(port, "layers.undo")).toHaveLength(1));
});

describe("labels that are made", () => {
  const labelers = [
    { name: "context", meaning: "The token.", package: "saescope", problem: "" },
    { name: "broken", meaning: "", package: "otherpkg", problem: "The plug-in 'broken' failed to load." },
  ];

  test("are of what is marked; the surest are shown with why, and taken back", async () => {
    const made = {
      layer: "by context",
      n_asked: 2,
      n_labeled: 1,
      n_own: 1,
      rows: [{ feature: 5, label: HOSTILE, reason: "fires on 90 % of 12 such tokens", score: 0.9 }],
      list: { layers: [], undo: "" },
    };
    const port = kernel({
      "labels.labelers": { labelers },
      "labels.make": made,
      "layers.get": { layers: [], undo: "labeled by context" },
    });
    show(port, { view: "make-labels" });
    await shows("The token.");
    await press("Make labels");
    await shows("Labeled 1 of 2. 1 of them has a label of yours, which stays above.");
    expect(asked(port, "labels.make")).toEqual([
      { scope: "dev", labeler: "context", which: expect.objectContaining({ by: "these", features: [3, 5] }) },
    ]);
    expect(find("td")?.textContent).toContain("<img");
    expect(all("td").map((td) => td.textContent)).toContain("0.90");
    await press("Undo");
    await wait(() => expect(asked(port, "layers.undo")).toHaveLength(1));
  });

  test("tell how far they are, and stop; one that cannot be loaded is not run", async () => {
    const port = kernel({ "labels.labelers": { labelers }, "labels.make": () => undefined });
    show(port, { view: "make-labels", by: "all" });
    await press("Make labels");
    await wait(() => expect(asked(port, "labels.make")[0]).toMatchObject({ which: { by: "all" } }));
    const rid = port.sent.find((f) => f["method"] === "labels.make")?.["rid"];
    const data = { stage: "Labeling", unit: "feature", done: 3, total: 12, seconds_left: 9 };
    port.deliver({ t: "event", rid, data });
    await shows("Labeling · 3 of 12 features · 9\u2009s left");
    await press("Stop");
    await shows("Stopped: what was labeled before is in the layer.");
    const box = find<HTMLSelectElement>("select[aria-label=Labeler]");
    if (box) box.value = "broken";
    box?.dispatchEvent(new Event("change", { bubbles: true }));
    await shows("The plug-in 'broken' failed to load.");
    expect(button("Make labels")?.hasAttribute("disabled")).toBe(true);
  });
});

describe("the call", () => {
  const shared = (part: Partial<Shared> = {}) =>
    ({ picked: [], table: undefined, ...part }) as unknown as Shared;
  const table = { sort: "max", descending: true, filter: { ...NO_FILTER, search: 'a "b"' } };

  test.each([
    [{ view: "csv", by: "picked" }, 'scope.export("csv", "features.csv", scope.picked)'],
    [
      { view: "csv", by: "table" },
      'scope.export("csv", "features.csv", scope.find_features("a \\"b\\"")["feature"])',
    ],
    [{ view: "csv", by: "all" }, 'scope.export("csv", "features.csv")'],
    [
      {
        view: "report",
        by: "list",
        list: "my \u202elist",
        options: { findings: { title: "T", include: ["map"] } },
      },
      'scope.export_report("findings.html", features="my \\u202elist", title="T", include=["map"])',
    ],
    [
      {
        view: "neuronpedia",
        by: "one",
        paths: { neuronpedia: "np" },
        options: { neuronpedia: { random: true, layer: null } },
      },
      'scope.export("neuronpedia", "np", [9], random=True, layer=None)',
    ],
    [{ view: "notes" }, 'scope.notes.export("notes.jsonl")'],
    [{ view: "import-notes", notesPath: "n.jsonl" }, 'scope.notes.import_from("n.jsonl")'],
    [
      { view: "import-labels", labelsPath: "l.csv", labelsName: " x ", labelsSource: "y" },
      'scope.notes.add_layer("l.csv", "x", source="y")',
    ],
    [{ view: "make-labels" }, "scope.label_features()"],
    [{ view: "make-labels", by: "one", labeler: "x" }, 'scope.label_features([9], labeler="x")'],
  ] as const)("of %j", (state, text) => {
    expect(shareCode({ ...INITIAL, ...state } as never, 9, shared({ table }))).toBe(text);
  });

  test("goes by what is marked, else by what suits the kind", () => {
    const by = (kind: string, part: Partial<Shared>) => byOf(INITIAL, kind, shared(part));
    expect(by("csv", { picked: [1], table })).toBe("picked");
    expect(by("csv", { table })).toBe("table");
    expect(by("csv", {})).toBe("all");
    expect(by("notebook", { table })).toBe("labelled");
    expect(byOf({ ...INITIAL, by: "table" }, "report", shared())).toBe("labelled");
    expect(whichOf({ ...INITIAL, by: "table" }, "csv", shared({ table }))).toMatchObject({
      by: "filter",
      ...table,
    });
    expect(viewOf({ ...INITIAL, view: "gone" }, [kindOf("csv")])).toBe("csv");
    expect(pathOf(INITIAL, "plugin")).toBe("plugin");
  });
});

test("sizes and unseen characters are told", () => {
  expect([0, 999, 1000, 999_600, 2.5e9].map(size)).toEqual(
    ["0", "999", "1.00", "1.00", "2.50"].map(
      (n, i) => `${n}\u2009${["bytes", "bytes", "kB", "MB", "GB"][i]}`,
    ),
  );
  expect(visible("a\u202eb\0\tc\n")).toBe("a‹U+202E›b‹U+0000›\tc\n");
});
