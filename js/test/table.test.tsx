import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort } from "../dev/fixture.js";
import { codeOf, filtered, NO_FILTER, rangeText, readQuery, type TableQuery } from "../src/data/query.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { ColumnSpread } from "../src/protocol/generated.js";
import { COLUMNS, columnsFor, templateOf } from "../src/views/table/columns.js";
import { edge, rangeOf } from "../src/views/table/RangeHistogram.js";
import { nextSort } from "../src/views/table/TableHead.js";

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

const find = <T extends HTMLElement = HTMLElement>(selector: string) => host.querySelector<T>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const until = (check: () => void) => vi.waitFor(check, { timeout: 3000 });
const ready = (selector: string) => until(() => expect(find(selector)).not.toBeNull());
const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);
const filterOf = (port: MemoryPort) => sent(port, "features.window").at(-1)?.["filter"];
const button = (text: string) => all("button").find((b) => b.textContent?.trim() === text);
const press = (on: Element | null, key: string, more: object = {}) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));

async function show(port: MemoryPort, state: object = {}): Promise<void> {
  unmount = mount("features", port, host, { scope: "dev", feature: 3, state: { ...state } });
  await ready(".ss-cursor[aria-selected=true]");
}

function type(text: string): void {
  const box = find<HTMLInputElement>("[data-box=search]");
  if (!box) throw new Error("no box");
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function choosePlace(name: string): void {
  const place = find<HTMLSelectElement>(".ss-mode");
  if (!place) throw new Error("no select");
  place.value = name;
  place.dispatchEvent(new Event("change", { bubbles: true }));
}

/** The fixture's kernel, but for some answers. */
function portWith(answer: (frame: Record<string, unknown>) => object | undefined): MemoryPort {
  const good = fixturePort(4096, 1);
  const port: MemoryPort = new MemoryPort((frame) => {
    const found = answer(frame);
    if (!found) return good.send(frame);
    if ("isLate" in found) return;
    const kind = "code" in found ? { t: "error", error: found } : { t: "result", data: found };
    queueMicrotask(() => port.deliver({ rid: frame["rid"], ...kind }));
  });
  good.onFrame((frame) => port.deliver(frame as object));
  return port;
}

describe("searching", () => {
  test("keeps a change made while the last keys are still waited for", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    type("(ab");
    find(".ss-regex")?.click();
    await until(() => expect(filterOf(port)).toMatchObject({ search: "(ab", is_regex: true }));
  });

  test("a key typed while what was asked before comes back is not lost", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    vi.useFakeTimers();
    try {
      type("u");
      await vi.advanceTimersByTimeAsync(60);
      vi.advanceTimersByTime(90);
      await Promise.resolve(); // the box is drawn again, what follows from that has not run yet
      type("un");
      await vi.advanceTimersByTimeAsync(400);
    } finally {
      vi.useRealTimers();
    }
    expect(find("[data-box=search]")).toHaveProperty("value", "un");
    await until(() => expect(filterOf(port)).toMatchObject({ search: "un" }));
  });

  test("says under the box what is no regular expression, and leaves the rows", async () => {
    const port = portWith((frame) => {
      const { filter } = (frame["params"] ?? {}) as { filter?: { is_regex: boolean } };
      if (frame["method"] !== "features.window" || !filter?.is_regex) return undefined;
      const message = "“(ab” is no regular expression: unclosed group.";
      return { code: "input", message, hint: "", data: { what: "regex" } };
    });
    await show(port);
    type("(ab");
    find(".ss-regex")?.click();
    await ready(".ss-search-problem");
    expect(find("[role=alert]")?.textContent).toContain("unclosed group");
    expect(find("[data-box=search]")?.getAttribute("aria-invalid")).toBe("true");
    expect(all("[role=row][data-feature]").length).toBeGreaterThan(5);
    find(".ss-regex")?.click();
    await until(() => expect(find(".ss-search-problem")).toBeNull());
  });

  test("for words in notes takes along what is typed, ranks, and shows labels from elsewhere as such", async () => {
    const port = portWith((frame) => {
      const { filter } = (frame["params"] ?? {}) as { filter?: { words: string } };
      if (frame["method"] !== "features.window" || !filter?.words) return undefined;
      const rows = [
        { feature: 7, label: "own <b>ships</b>", layer: "theirs", layer_name: "auto" },
        { feature: 9, label: "", layer: "<img src=x> ships", layer_name: "auto" },
      ];
      return { offset: 0, count: 2, n_match: 2, n_features: 4096, rows };
    });
    await show(port, { columns: ["label"] });
    type("ships");
    await until(() => expect(filterOf(port)).toMatchObject({ search: "ships" }));
    choosePlace("words");
    await until(() => expect(filterOf(port)).toMatchObject({ words: "ships", search: "" }));
    expect(sent(port, "features.window").at(-1)).toMatchObject({ sort: "rank", descending: true });
    await until(() => expect(find("[data-box=search]")).toHaveProperty("value", "ships"));
    expect(find(".ss-regex")).toBeNull();
    await until(() => expect(all("[data-feature] .ss-col-label")).toHaveLength(2));
    const [own, theirs] = all("[data-feature] .ss-col-label");
    expect(own?.textContent).toBe("own <b>ships</b>");
    expect(own?.querySelector(".ss-from-elsewhere")).toBeNull();
    expect(theirs?.querySelector<HTMLElement>(".ss-from-elsewhere")?.title).toBe("From “auto”.");
    expect(theirs?.textContent).toBe("<img src=x> ships");
    choosePlace("label");
    await until(() =>
      expect(filterOf(port)).toMatchObject({ words: "", search: "ships", looks_in: "label" }),
    );
    expect(sent(port, "features.window").at(-1)).toMatchObject({ sort: "max" });
  });

  test("for a tag is a choice among those there are, and a chip", async () => {
    const port = portWith((frame) =>
      frame["method"] === "tags.get" ? { tags: [{ tag: "sea", n_features: 3 }] } : undefined,
    );
    await show(port, { showsFilters: true });
    await until(() => expect(find("label select option[value=sea]")?.textContent).toBe("sea (3)"));
    const select = find("label select option[value=sea]")?.closest("select");
    if (!select) throw new Error("no select");
    select.value = "sea";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await until(() => expect(filterOf(port)).toMatchObject({ tags: ["sea"] }));
    expect(find(".ss-chip")?.textContent).toContain("tag sea");
    find(".ss-chip button")?.click();
    await until(() => expect(filterOf(port)).toMatchObject({ tags: [] }));
  });

  test("for a text to fire on asks with its spaces, sorts by hits, and shows them", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    choosePlace("fires_on");
    await until(() =>
      expect(find("[data-box=search]")?.getAttribute("placeholder")).toContain("stored examples"),
    );
    type(" Golden Gate");
    await until(() => expect(filterOf(port)).toMatchObject({ fires_on: " Golden Gate", search: "" }));
    expect(sent(port, "features.window").at(-1)).toMatchObject({ sort: "n_hits", descending: true });
    await ready(".ss-head .ss-n_hits[aria-sort=descending]");
    find(".ss-chip button")?.click();
    await until(() => expect(sent(port, "features.window").at(-1)).toMatchObject({ sort: "max" }));
    await until(() => expect(find(".ss-head .ss-n_hits")).toBeNull());
  });

  test("each filter is a chip that can be taken off, and all at once", async () => {
    const port = fixturePort(4096, 1);
    const filter = { ...NO_FILTER, hides_dead: true, ranges: { density: [0.001, null] }, fires_on: " <b>" };
    await show(port, { query: { filter } });
    const texts = () => all(".ss-chip span").map((c) => c.textContent);
    expect(texts()).toEqual(["examples contain “ <b>”", "density at least 0.10\u2009%", "no dead"]);
    all(".ss-chip button")[1]?.click();
    await until(() => expect(filterOf(port)).toMatchObject({ ranges: {}, hides_dead: true }));
    button("clear all")?.click();
    await until(() => expect(filterOf(port)).toEqual(NO_FILTER));
    expect(texts()).toEqual([]);
    expect(host.querySelector("b b")).toBeNull();
  });
});

describe("filters", () => {
  test("a range is set by keys, told to the kernel, and cleared by a double click", async () => {
    const port = fixturePort(4096, 1);
    await show(port, { showsFilters: true });
    await ready("[role=slider][aria-label='density, least']");
    const slider = () => find("[role=slider][aria-label='density, least']");
    press(slider(), "ArrowRight");
    press(slider(), "ArrowRight");
    await until(() => expect(slider()?.getAttribute("aria-valuenow")).not.toBe("0"));
    await until(() =>
      expect(Object.keys((filterOf(port) as { ranges: object }).ranges)).toEqual(["density"]),
    );
    await until(() =>
      expect(sent(port, "features.histogram").some((p) => p["column"] === "max" && hasRange(p))).toBe(true),
    );
    expect(sent(port, "features.histogram").some((p) => p["column"] === "density" && hasRange(p))).toBe(
      false,
    );
    find(".ss-plot")?.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await until(() => expect(filterOf(port)).toMatchObject({ ranges: {} }));
  });

  test("kinds are left out by ticks that say by which figure", async () => {
    const port = fixturePort(4096, 1);
    await show(port, { showsFilters: true });
    const label = (text: string) => all("label").find((l) => l.textContent?.trim() === text);
    expect(label("no dense")?.title).toContain("10 %");
    expect(label("no single-token")?.title).toContain("95 %");
    label("no single-token")?.querySelector("input")?.click();
    label("checked")?.querySelector("input")?.click();
    await until(() =>
      expect(filterOf(port)).toMatchObject({ hides_single_token: true, statuses: ["checked"] }),
    );
  });
});

const hasRange = (params: Record<string, unknown>) =>
  Object.keys((params["filter"] as { ranges: object }).ranges).length > 0;

describe("marks", () => {
  test("are set by the box, by x and by Space, and shared", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    find("[data-row='1'] [data-mark]")?.click();
    await until(() => expect(host.textContent).toContain("1 marked"));
    expect(find<HTMLInputElement>("[data-row='1'] [data-mark]")?.checked).toBe(true);
    press(find("[role=grid]"), "ArrowDown");
    press(find("[role=grid]"), " ");
    await until(() => expect(host.textContent).toContain("2 marked"));
    press(find(".saescope"), "x");
    await until(() => expect(host.textContent).toContain("1 marked"));
    expect(sent(port, "scope.select").map((p) => p["picked"])).toEqual([[1], [1, 2], [1]]);
  });

  test("with Shift reach from the last one to this, by the kernel's numbers", async () => {
    const port = portWith(() => undefined);
    await show(port);
    find("[data-row='1'] [data-mark]")?.click();
    find("[data-row='4']")?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    await until(() => expect(sent(port, "features.numbers").at(-1)).toMatchObject({ offset: 1, count: 4 }));
  });

  test("of too many are refused with the number", async () => {
    const port = fixturePort(200_000, 1);
    await show(port);
    button("mark all")?.click();
    await until(() => expect(find("[role=status].ss-count")?.textContent).toContain("at most 100,000"));
    expect(sent(port, "features.numbers")).toEqual([]);
  });

  test("can be all that is shown", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    find("[data-row='1'] [data-mark]")?.click();
    find("[data-row='2'] [data-mark]")?.click();
    await until(() => button("show only these"));
    await until(() => expect(button("show only these")).toBeDefined());
    button("show only these")?.click();
    await until(() => expect(filterOf(port)).toMatchObject({ only: [1, 2] }));
    await until(() => expect(find(".ss-count")?.textContent).toContain("2 of 4,096 match"));
    expect(find(".ss-chip")?.textContent).toContain("only the 2 marked");
  });
});

describe("lists", () => {
  const listPort = () => {
    const numbers = new DataView(new Uint32Array([9, 4]).buffer);
    const port: MemoryPort = portWith((frame) => {
      if (frame["method"] === "lists.get" || frame["method"] === "lists.change")
        return { lists: [{ name: "<i>ships", n_features: 2, author: "", saved_ms: 0, version: 1 }] };
      if (frame["method"] !== "list.get") return undefined;
      queueMicrotask(() =>
        port.deliver({ t: "result", rid: frame["rid"], data: { n_features: 2 } }, [numbers]),
      );
      return { isLate: true };
    });
    return port;
  };

  test("can be all that is shown, by name", async () => {
    const port = listPort();
    await show(port, { showsFilters: true });
    await until(() => expect(find(".ss-ticks option:last-child")?.textContent).toBe("<i>ships (2)"));
    const choice = find<HTMLSelectElement>(".ss-ticks select");
    if (choice) choice.value = "<i>ships";
    choice?.dispatchEvent(new Event("change", { bubbles: true }));
    await until(() => expect(filterOf(port)).toMatchObject({ only: [9, 4] }));
    expect(find(".ss-chip")?.textContent).toContain("list “<i>ships”");
  });

  test("take the marked features in", async () => {
    const port = listPort();
    await show(port);
    find("[data-row='1'] [data-mark]")?.click();
    await until(() => expect(button("add to list")).toBeDefined());
    button("add to list")?.click();
    await ready(".ss-add input");
    const box = find<HTMLInputElement>(".ss-add input");
    if (box) box.value = " ships ";
    box?.dispatchEvent(new Event("input", { bubbles: true }));
    await until(() => expect(button("add")?.hasAttribute("disabled")).toBe(false));
    box?.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await until(() => expect(sent(port, "lists.change").at(-1)).toMatchObject({ name: "ships", add: [1] }));
  });
});

describe("rows by keys", () => {
  test("the arrows move, Enter opens, and the grid names its row", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    const grid = find("[role=grid]");
    press(grid, "Home");
    press(grid, "ArrowDown");
    await until(() => expect(find(".ss-cursor")?.dataset["row"]).toBe("1"));
    const active = grid?.getAttribute("aria-activedescendant") ?? "";
    expect(document.getElementById(active)?.dataset["feature"]).toBe("1");
    press(grid, "Enter");
    await until(() => expect(find("[aria-selected=true]")?.dataset["feature"]).toBe("1"));
    press(grid, "End");
    await until(() => expect(find(".ss-cursor")?.dataset["row"]).toBe("4095"));
  });
});

describe("columns", () => {
  test("can be added and taken away, and are asked of the kernel", async () => {
    const port = fixturePort(4096, 1);
    await show(port);
    find("[data-columns]")?.click();
    await ready(".ss-columns-box");
    const box = (text: string) => all(".ss-columns-box label").find((l) => l.textContent === text);
    box("suppresses")?.querySelector("input")?.click();
    await ready(".ss-head .ss-suppressed");
    await until(() => expect(sent(port, "features.window").at(-1)?.["columns"]).toContain("suppressed"));
    box("density")?.querySelector("input")?.click();
    await until(() => expect(find(".ss-head .ss-density")).toBeNull());
  });

  test("suit the width and stay in their order", () => {
    const names = (px: number) => columnsFor(undefined, px, NO_FILTER, 1_048_576).map((c) => c.name);
    expect(names(320)).toEqual(["feature", "top_tokens", "density"]);
    expect(names(1200)).toContain("label");
    for (const px of [320, 400, 600, 800, 1200])
      expect(
        templateOf(columnsFor(undefined, px, NO_FILTER, 1_048_576), true, 1_048_576).least_px,
      ).toBeLessThanOrEqual(px);
    expect(
      columnsFor(["std", "label"], 320, { ...NO_FILTER, fires_on: "x" }, 4096).map((c) => c.name),
    ).toEqual(["feature", "n_hits", "label", "std"]);
  });

  test("sort one way, the other, and as before", () => {
    const column = (name: string) => COLUMNS.find((c) => c.name === name) ?? COLUMNS[0];
    const orders = (name: string) => {
      let query: TableQuery = readQuery({});
      return [1, 2, 3].map(() => {
        query = { ...query, ...nextSort(query, column(name) as (typeof COLUMNS)[0]) };
        return `${query.sort} ${query.descending}`;
      });
    };
    expect(orders("density")).toEqual(["density true", "density false", "max true"]);
    expect(orders("label")).toEqual(["label false", "label true", "max true"]);
    expect(orders("max")).toEqual(["max false", "max true", "max false"]);
  });
});

describe("the call in Python", () => {
  const query = (part: object, filter: object = {}) =>
    readQuery({ ...part, filter: { ...NO_FILTER, ...filter } } as Partial<TableQuery>);

  test("has only what is not the default", () => {
    expect(codeOf(query({}), false)).toBe("scope.find_features()");
    expect(codeOf(query({}, { search: 'say "hi"\n\\', is_regex: true, looks_in: "label" }), false)).toBe(
      'scope.find_features("say \\"hi\\"\\n\\\\", looks_in="label", is_regex=True)',
    );
    expect(
      codeOf(
        query({ sort: "mean", descending: false }, { ranges: { density: [0.001, null] }, only: [3, 1] }),
        false,
      ),
    ).toBe(
      'scope.find_features(ranges={"density": (0.001, None)}, only=[3, 1], sort="mean", descending=False)',
    );
    expect(codeOf(query({}, { fires_on: " Golden", hides_dead: true, statuses: [""] }), true)).toBe(
      'scope.find_features(fires_on=" Golden", statuses=[""], hides_dead=True, only=scope.picked)',
    );
    expect(codeOf(query({ sort: "rank" }, { words: 'naval "at sea"', tags: ["a", ""] }), false)).toBe(
      'scope.find_features(words="naval \\"at sea\\"", tags=["a", ""])',
    );
  });

  test("keeps an order that a person chose when the filter changes", () => {
    expect(filtered(query({}), { fires_on: "x" })).toMatchObject({ sort: "n_hits" });
    expect(filtered(query({ sort: "mean" }), { fires_on: "x" })).toMatchObject({ sort: "mean" });
    expect(filtered(query({ sort: "n_hits" }, { fires_on: "x" }), { fires_on: "" })).toMatchObject({
      sort: "max",
    });
  });
});

test("ranges are told in short numbers whose ends are open at the borders", () => {
  const counts = Array.from({ length: 40 }, () => 1);
  const rest = { column: "density", counts, matching: counts, n_apart: 0, n_match_apart: 0 };
  const spread: ColumnSpread = { ...rest, low: 1e-6, high: 1, is_log: true };
  expect(edge(spread, 20)).toBeCloseTo(1e-3, 9);
  expect(rangeOf(spread, [20, 40])).toEqual([0.001, null]);
  expect(rangeOf(spread, [0, 40])).toBeUndefined();
  expect(rangeOf({ ...spread, low: 0, is_log: false }, [0, 10])).toEqual([null, 0.25]);
  expect(rangeText("max", [null, 2.5])).toBe("at most 2.50");
  expect(rangeText("n_fires", [1000, 20000])).toBe("1,000 to 20,000");
});
