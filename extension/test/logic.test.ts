import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../../js/dev/fixture.js";
import { blend, contrast, type Rgb, STRONGEST } from "../../js/src/data/shade.js";
import { buildsOf } from "../src/builds";
import { Preferences, USUAL } from "../src/chosen";
import { placeOf } from "../src/dropPlace";
import { findScope, type KernelLine, namesOf } from "../src/line";
import { Shelf } from "../src/shelf";
import { demoCells, modelCells, notebookOf } from "../src/templates";

const scope = (id: string, key = "", rest = {}) => ({ ...infoOf(64), id, key, ...rest });

afterEach(() => vi.useRealTimers());

describe("scopes", () => {
  test("are found by id, else by what they are of, and never by an empty key", () => {
    const all = [scope("a", "k1"), scope("b", "k2"), scope("c", "")];
    expect(findScope(all, { scope: "b", key: "k1" })?.id).toBe("b");
    expect(findScope(all, { scope: "gone", key: "k1" })?.id).toBe("a");
    expect(findScope(all, { scope: "gone", key: "" })).toBeUndefined();
  });

  test("of one name can be told apart", () => {
    const names = namesOf([scope("a"), scope("b"), scope("c", "", { name: "other" })]);
    expect(new Set(names).size).toBe(3);
    expect(names[2]).not.toMatch(/\(\d\)$/);
  });
});

test("builds are told once each, those that failed not at all", () => {
  const building = {
    ...{ stage: "Running the model", unit: "tokens", done: 1, total: 2, rate: 1 },
    ...{ seconds_left: 1, error: "", hint: "" },
  };
  const line = (id: string, ...scopes: object[]) =>
    ({ state: { kind: "open", kernel: { id } }, scopes }) as unknown as KernelLine;
  const one = line("k1", scope("a", "", { building }), scope("b"));
  const same = line("k1", scope("a", "", { building }));
  const failed = line("k2", scope("a", "", { building: { ...building, error: "full" } }));
  expect(buildsOf({ all: [one, same, failed] }).map((b) => [b.scope.id, b.line])).toEqual([["a", one]]);
});

test("a setting of another type is not taken", () => {
  const made = new Preferences();
  made.take({ context: "wide", k: 7, model: "m", unknown: 1 });
  expect(made.chosen).toEqual({ ...USUAL, k: 7, model: "m" });
  expect(made.defaults).toEqual({ feature: { context: 16, k: 7 } });
});

test("the schema begins with what the code begins with", () => {
  const schema = JSON.parse(readFileSync("schema/plugin.json", "utf8"));
  const begins = Object.entries<{ default: unknown }>(schema.properties).map(([name, p]) => [
    name,
    p.default,
  ]);
  expect(Object.fromEntries(begins)).toEqual(USUAL);
});

test("every shading keeps text readable in light and dark", () => {
  const css = readFileSync("style/base.css", "utf8");
  const hues = [
    ...css.matchAll(/data-saescope-shading="(\w+)"\]\s*\.saescope\s*{\s*--ss-hue:\s*rgb\(([^)]+)\)/g),
  ];
  const schema = JSON.parse(readFileSync("schema/plugin.json", "utf8"));
  const named = schema.properties.shading.enum.filter((name: string) => name !== "green");
  expect(hues.map(([, name]) => name).sort()).toEqual(named.sort());
  for (const [, name, numbers] of hues) {
    const hue = (numbers ?? "").split(",").map(Number) as unknown as Rgb;
    const text: [Rgb, Rgb][] = [
      [blend([0, 0, 0], [255, 255, 255], 0.87), [255, 255, 255]],
      [
        [255, 255, 255],
        [17, 17, 17],
      ],
    ];
    for (const [ink, back] of text)
      expect(contrast(ink, blend(hue, back, STRONGEST)), name).toBeGreaterThanOrEqual(4.5);
  }
});

describe("a feature over a notebook", () => {
  const over = (target: Element, types: string[], clientY = 0) =>
    placeOf({ target, clientY, dataTransfer: { types } } as unknown as DragEvent);

  test("is dropped above or below the cell, not into a field of ours; other drags are left alone", () => {
    const add = (parent: Element, tag: string, name = "") => {
      const made = document.createElement(tag);
      made.className = name;
      parent.append(made);
      return made;
    };
    const notebook = add(document.body, "div", "jp-Notebook");
    const cell = add(notebook, "div", "jp-Cell");
    const p = add(cell, "p");
    const field = add(add(cell, "div", "saescope"), "textarea");
    cell.getBoundingClientRect = () => ({ top: 100, height: 40 }) as DOMRect;
    const ours = ["application/vnd.saescope.feature", "text/plain"];
    expect(over(p, ["text/plain"])).toBeUndefined();
    expect(over(p, ours, 110)).toEqual({ cell, isBelow: false });
    expect(over(p, ours, 130)).toEqual({ cell, isBelow: true });
    expect(over(field, ours)).toBeUndefined();
    expect(over(notebook, ours)).toEqual({
      cell: undefined,
      isBelow: true,
    });
  });
});

describe("the shelf", () => {
  test("keeps the twenty states used last, for another page too", async () => {
    vi.useFakeTimers();
    const held = new Map<string, unknown>();
    const db = {
      fetch: (id: string) => Promise.resolve(held.get(id)),
      save: (id: string, value: unknown) => Promise.resolve(void held.set(id, value)),
    };
    const shelf = new Shelf(db as never, "side");
    await shelf.ready;
    for (let n = 0; n < 25; n++) shelf.put(`k${n}`, { n });
    shelf.put("", { n: -1 });
    await vi.advanceTimersByTimeAsync(1000);
    const other = new Shelf(db as never, "side");
    await other.ready;
    expect(other.get("k24")).toEqual({ n: 24 });
    expect(other.get("k4")).toBeUndefined();
    expect(other.get("")).toBeUndefined();
  });
});

describe("starter notebooks", () => {
  const hostile = { ...USUAL, model: 'a"\\\n"""b', sae: "ü\u2028'x'", notesFolder: "C:\\notes\n" };

  test("are what Python reads, whatever the settings hold", () => {
    for (const cells of [demoCells(USUAL), modelCells(USUAL), demoCells(hostile), modelCells(hostile)]) {
      const codes = cells.filter(({ kind }) => kind === "code").map(({ source }) => source);
      expect(codes.length).toBeGreaterThan(1);
      execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], {
        input: codes.join("\n\n"),
      });
    }
    expect(modelCells({ ...USUAL, model: "gpt2", sae: "r/s" })[1]?.source).toContain(
      'saescope.load("gpt2", sae="r/s", device="auto")',
    );
  });

  test("hold nothing that has run", () => {
    const made = notebookOf(demoCells(USUAL), "python3", "python") as { cells: Record<string, unknown>[] };
    const codes = made.cells.filter((c) => c["cell_type"] === "code");
    expect(codes.every((c) => c["execution_count"] === null)).toBe(true);
    expect(new Set(made.cells.map((c) => c["id"])).size).toBe(made.cells.length);
  });
});
