import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawPanel } from "../src/draw.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { SaeDetails, SaeRow } from "../src/protocol/generated.js";
import { picker } from "../src/views/picker/Picker.js";
import { filterOf, listCode, NOTHING, nSet, toggled } from "../src/views/picker/state.js";
import { l0, place, size, width } from "../src/views/picker/words.js";

const N = 13_857;

const rowOf = (i: number): SaeRow => ({
  spec: `release/sae_${i}`,
  source: i === 0 ? "folder" : "registry",
  release: i === 0 ? "" : "release",
  sae_id: i === 0 ? "<img src=x onerror=alert(1)>" : `sae_${i}`,
  model: "google/gemma-2-2b",
  site: "resid_post",
  layer: i % 26,
  width: i % 3 ? 16_384 : null,
  architecture: "jumprelu",
  l0: 82,
  has_labels: true,
  is_cached: i === 1,
  disk_bytes: i % 3 ? 302_000_000 : null,
});

const detailsOf = (spec: string): SaeDetails => ({
  row: { ...rowOf(1), spec },
  hook_name: "blocks.1.hook_resid_post",
  hook_name_out: null,
  d_in: 2304,
  explained_variance: null,
  neuronpedia: "gemma-2-2b/1-x",
  dtype: "float32",
  prepend_bos: true,
  normalization: "none",
  is_centered: false,
  repo: "a/b",
  path: "c",
  notes: ["The registry names another <b>model</b>."],
  sae_bytes: 302e6,
  model_bytes: 10.4e9,
  model_dtype: "float32",
  free_bytes: 8e9,
  place: "memory",
  fits: false,
  has_model: false,
  is_offline: false,
  code: `scope = saescope.load('google/gemma-2-2b', sae='${spec}')`,
});

type Frame = Record<string, unknown> & { params: Record<string, unknown> };

/** A kernel with a long list; `late` keeps what is not answered yet. */
function kernel(change: (frame: Frame) => object | undefined = () => undefined) {
  return new MemoryPort((sent, port) => {
    const frame = sent as Frame;
    if (frame["t"] !== "request") return;
    const { rid, method, params } = frame as unknown as Frame & { rid: string; method: string };
    const reply = (data: object) => queueMicrotask(() => port.deliver({ t: "result", rid, data }));
    const own = change(frame);
    if (own) return void queueMicrotask(() => port.deliver({ rid, ...own }));
    if (method === "panel.load") reply({ state: {} });
    if (method === "panel.save") reply({});
    if (method === "registry.describe") reply(detailsOf(params["spec"] as string));
    if (method === "registry.search") {
      const { offset = 0, count = 100, search } = params as { offset: number; count: number; search: string };
      const n = search === "zzz" ? 0 : N;
      reply({
        n_all: N,
        n_match: n,
        offset,
        rows: Array.from({ length: Math.max(0, Math.min(count, n - offset)) }, (_, i) => rowOf(offset + i)),
        missed: search === "zzz" ? ["zzz"] : [],
        facets: [
          { name: "model", values: [{ value: '"google/gemma-2-2b"', n }] },
          {
            name: "layer",
            values: [
              { value: "3", n: 5 },
              { value: "", n: 8 },
            ],
          },
          { name: "is_cached", values: [{ value: "true", n: 1 }] },
        ],
        is_offline: false,
      });
    }
  });
}

let el: HTMLElement;
let unmount: (() => void) | undefined;
const settle = (ms = 60) => new Promise((done) => setTimeout(done, ms));
const draw = async (port: MemoryPort, state: Record<string, unknown> = {}) => {
  unmount = drawPanel("picker", picker, port, el, { scope: "", panel: "p", state });
  await vi.waitFor(() => expect(el.querySelector("[role=option], .ss-notice")).not.toBeNull(), 5000);
  await settle();
};
const asked = (port: MemoryPort, method: string) =>
  port.sent
    .flatMap((f) => (f["t"] === "batch" ? (f["frames"] as Frame[]) : [f as Frame]))
    .filter((f) => f["method"] === method);
const rows = () => [...el.querySelectorAll<HTMLElement>("[role=option]")];
const button = (name: string) =>
  [...el.querySelectorAll("button")].find((b) => b.textContent?.trim() === name) as HTMLButtonElement;
const type = async (text: string) => {
  const box = el.querySelector("[data-box=search]") as HTMLInputElement;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await settle();
};

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => {
  unmount?.();
  el.remove();
});

describe("the picker", () => {
  test("needs no scope, and holds only the rows in sight of all there are", async () => {
    const port = kernel();
    await draw(port);
    expect(el.textContent).toContain("13,857 of 13,857 SAEs");
    expect(rows().length).toBeGreaterThan(5);
    expect(rows().length).toBeLessThan(40);
    expect(asked(port, "scope.info")).toHaveLength(0);
    expect(rows()[0]?.getAttribute("aria-setsize")).toBe(String(N));
  });

  test("names from files and the kernel are text", async () => {
    await draw(kernel());
    expect(el.querySelector("img")).toBeNull();
    expect(rows()[0]?.textContent).toContain("<img src=x onerror=alert(1)>");
    rows()[1]?.click();
    await settle();
    expect(el.querySelector(".ss-pk-notes b")).toBeNull();
    expect(el.querySelector(".ss-pk-notes")?.textContent).toContain("<b>model</b>");
  });

  test("reads further pages as they come into sight, each once", async () => {
    const port = kernel();
    await draw(port);
    const list = el.querySelector("[data-list]") as HTMLElement;
    list.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
    await settle();
    const offsets = asked(port, "registry.search").map((f) => f.params["offset"]);
    expect(new Set(offsets).size).toBe(offsets.length);
    expect(offsets).toContain(13_800);
    expect(el.textContent).toContain(`sae_${N - 1}`);
  });

  test("a search is asked of the kernel, and the keys go from its box into the list", async () => {
    const port = kernel();
    await draw(port);
    await type("gemma layer 3");
    expect(asked(port, "registry.search").at(-1)?.params["search"]).toBe("gemma layer 3");
    const box = el.querySelector("[data-box=search]") as HTMLElement;
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    await settle();
    expect(rows()[0]?.getAttribute("aria-selected")).toBe("true");
    const list = el.querySelector("[data-list]") as HTMLElement;
    list.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    await settle();
    expect(rows()[1]?.getAttribute("aria-selected")).toBe("true");
    expect(asked(port, "registry.describe").at(-1)?.params["spec"]).toBe("release/sae_1");
  });

  test("a word that nothing has is named, and can be left out", async () => {
    const port = kernel();
    await draw(port);
    await type("zzz");
    expect(el.textContent).toContain("No SAE has “zzz”.");
    button("Search all").click();
    await settle();
    expect(rows().length).toBeGreaterThan(0);
  });

  test("filters are sent, shown as set, and cleared", async () => {
    const port = kernel();
    await draw(port);
    const chip = [...el.querySelectorAll("button")].find(
      (b) => b.getAttribute("aria-label") === "Layer 3: 5",
    );
    chip?.click();
    await settle();
    expect(asked(port, "registry.search").at(-1)?.params["filter"]).toMatchObject({ layer: [3] });
    expect(el.querySelector('[aria-label^="Layer 3"]')?.getAttribute("aria-pressed")).toBe("true");
    button("Clear filters").click();
    await settle();
    expect(asked(port, "registry.search").at(-1)?.params["filter"]).toMatchObject({ layer: [] });
  });

  test("details tell sizes and what does not fit, in words", async () => {
    await draw(kernel(), { spec: "release/sae_1" });
    expect(el.textContent).toContain("model 10\u2009GB in float32");
    expect(el.textContent).toContain("that does not fit");
    expect(el.querySelector(".ss-pk-code")?.textContent).toContain("sae='release/sae_1'");
    const box = el.querySelector(".ss-pk-load input") as HTMLInputElement;
    box.value = "/my/model";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await settle();
    expect(el.querySelector(".ss-pk-code")?.textContent).toBe(
      'scope = saescope.load("/my/model", sae="release/sae_1")',
    );
  });

  test("loading tells how far it is, can be stopped, and then says so", async () => {
    const progress = { stage: "Fetching the SAE", done: 50e6, total: 200e6, rate: 10e6, seconds_left: 15 };
    const port = kernel((frame) =>
      frame["method"] === "registry.load" ? { t: "event", data: progress } : undefined,
    );
    await draw(port, { spec: "release/sae_1" });
    button("Load").click();
    await settle();
    expect(asked(port, "registry.load")[0]?.params).toEqual({ spec: "release/sae_1", model: "", panel: "p" });
    expect(el.textContent).toContain(
      "Fetching the SAE: 50\u2009MB of 200\u2009MB, 10\u2009MB/s, 15\u2009s left",
    );
    expect(el.querySelector('.ss-pk-progress [role="progressbar"]')?.getAttribute("aria-valuenow")).toBe(
      "25",
    );
    button("Stop").click();
    await settle();
    expect(el.textContent).toContain("Stopped.");
    const rid = asked(port, "registry.load")[0]?.["rid"];
    expect(JSON.stringify(port.sent)).toContain(`{"t":"cancel","rid":"${rid}"}`);
  });

  test("what was loaded is had by a call, and a failure says what to do", async () => {
    let isDown = true;
    const port = kernel((frame) => {
      if (frame["method"] !== "registry.load") return undefined;
      const error = { code: "sae_source", message: "It could not be fetched.", hint: "Log in.", data: {} };
      return isDown ? { t: "error", error } : { t: "result", data: { scope: "s", name: "gemma · sae" } };
    });
    await draw(port, { spec: "release/sae_1" });
    button("Load").click();
    await settle();
    expect(el.querySelector("[role=alert]")?.textContent).toContain("It could not be fetched. Log in.");
    isDown = false;
    button("Load").click();
    await settle();
    expect(el.textContent).toContain("Loaded: gemma · sae.");
    expect(el.querySelector(".ss-pk-code")?.textContent).toBe("scope = saescope.picked()");
  });

  test("a list that cannot be read says why", async () => {
    const error = {
      code: "missing_extra",
      message: "sae-lens is not installed.",
      hint: "pip install sae-lens",
      data: {},
    };
    await draw(kernel((f) => (f["method"] === "registry.search" ? { t: "error", error } : undefined)));
    expect(el.textContent).toContain("sae-lens is not installed.");
    expect(button("Retry")).toBeTruthy();
  });
});

describe("words and calls", () => {
  test("sizes and widths read as names have them", () => {
    expect([302e6, 10.4e9, 999, null].map(size)).toEqual([
      "302\u2009MB",
      "10\u2009GB",
      "999\u2009B",
      "unknown",
    ]);
    expect([4096, 16_384, 24_576, 65_536, 131_072, 1 << 20, 768, null].map(width)).toEqual([
      ...["4k", "16k", "24k", "65k", "131k", "1m", "768", "?"],
    ]);
    expect([82, 0.8412, 445].map(l0)).toEqual(["82", "0.841", "445"]);
    expect(place("z", 3)).toBe("attn z 3");
  });

  test("the call is the list's", () => {
    expect(listCode({})).toBe("saescope.registry()");
    const filter = { model: ["gpt2"], layer: [1, 2], is_cached: true, l0_low: 10 };
    expect(listCode({ search: " gemma layer 3 ", filter })).toBe(
      'saescope.registry("gemma layer 3", model="gpt2", layer=[1, 2], is_cached=True, l0=(10, None))',
    );
  });

  test("a filter's values go in and out", () => {
    const some = toggled(NOTHING, "width", 16_384);
    expect(some.width).toEqual([16_384]);
    expect(nSet(some)).toBe(1);
    expect(toggled(some, "width", 16_384)).toEqual(NOTHING);
    expect(filterOf({ filter: { source: "folder" } }).model).toEqual([]);
  });
});
