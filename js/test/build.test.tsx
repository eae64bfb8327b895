import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { buildAt, buildingPort } from "../dev/build-fixture.js";
import { infoOf, tell } from "../dev/fixture.js";
import { Pace } from "../src/data/pace.js";
import { mount } from "../src/mount.js";
import type { MemoryPort } from "../src/ports/memory.js";
import { snapshotPort } from "../src/ports/snapshot.js";
import type { Port } from "../src/protocol/client.js";
import type { BuildInfo, ScopeInfo } from "../src/protocol/generated.js";
import { buildText } from "../src/views/shell/BuildBar.js";

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

function show(port: Port, feature?: number): void {
  unmount = mount("browser", port, host, { scope: "dev", feature });
}

/** A panel on an index of which so many tokens are read. */
function build(n_read: number, building: Partial<BuildInfo> | null = {}, feature?: number) {
  const made = buildingPort(4096, 1, buildAt(n_read, building));
  show(made.port, feature);
  return made;
}

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const until = (check: () => void) => vi.waitFor(check, { timeout: 4000 });
const ready = (selector: string) => until(() => expect(find(selector)).not.toBeNull());
const sent = (port: MemoryPort, method: string) => port.sent.filter((f) => f["method"] === method);
const plain = (text: string | null | undefined) => text?.replaceAll("\u2009", " ");
const dataOf = (feature: number) => plain(find(`[role=row][data-feature='${feature}']`)?.textContent);

/** Wait until no second has passed unused: the next refresh starts at once. */
const second = () => new Promise((resolve) => setTimeout(resolve, 1050));

const BUILD: BuildInfo = {
  stage: "Running the model",
  unit: "tokens",
  done: 417,
  total: 1000,
  rate: 1240.3,
  seconds_left: 180,
  error: "",
  hint: "",
};

test.each<[Partial<BuildInfo>, string]>([
  [{}, "Running the model · 41 % · 1,240 tokens/s · 3 min left"],
  [{ rate: 0, seconds_left: null }, "Running the model · 41 %"],
  [{ total: 0, seconds_left: null, rate: 2.5 }, "Running the model · 417 tokens · 2.50 tokens/s"],
  [{ total: 0, done: 0, rate: 0, seconds_left: null }, "Running the model"],
  [{ done: 2000, rate: 0, seconds_left: 4 }, "Running the model · 100 % · 4 s left"],
])("how a build goes is told in a line (%j)", (change, text) => {
  const parts = buildText({ ...BUILD, ...change });
  expect(plain(parts.filter(Boolean).join(" · "))).toBe(text);
});

describe("the strip", () => {
  test("says how far the build is, in words and to a screen reader", async () => {
    build(836_400);
    await ready("[role=progressbar]");
    expect(plain(find(".ss-build-text")?.textContent)).toBe(
      "Running the model · 41 % · 1,240 tokens/s · 16 min left",
    );
    expect(plain(find(".ss-build-part")?.textContent)).toBe("37 % of the corpus read; figures still move");
    const bar = find("[role=progressbar]");
    expect(bar?.getAttribute("aria-valuenow")).toBe("41");
    expect(bar?.getAttribute("aria-valuemin")).toBe("0");
    expect(bar?.getAttribute("aria-valuemax")).toBe("100");
  });

  test("has no value while nobody knows the total", async () => {
    build(836_400, { total: 0 });
    await ready("[role=progressbar].ss-unknown");
    expect(find("[role=progressbar]")?.hasAttribute("aria-valuenow")).toBe(false);
  });

  test("asks once for the stop, and says so until the news come", async () => {
    const { port } = build(836_400);
    await ready(".ss-stop");
    const button = find(".ss-stop") as HTMLButtonElement;
    button.click();
    button.click();
    await until(() => expect(button.textContent).toBe("Stopping…"));
    expect(button.disabled).toBe(true);
    expect(document.activeElement).toBe(find(".saescope"));
    expect(sent(port, "build.stop").map((f) => f["params"])).toEqual([{ scope: "dev" }]);
    await until(() => expect(find(".ss-stop")).toBeNull());
    expect(plain(find(".ss-build")?.textContent)).toBe(
      "Unfinished: 37 % of the corpus read. Build it again with the same out to go on.",
    );
  });

  test("says why the build could not be stopped, and lets one try again", async () => {
    const { port } = build(836_400);
    await ready("[data-example]");
    const error = { code: "internal", message: "The build could not be stopped.", hint: "", data: {} };
    const send = port.send.bind(port);
    vi.spyOn(port, "send").mockImplementation((frame) => {
      const { method, rid } = frame as { method?: string; rid?: string };
      if (method === "build.stop") queueMicrotask(() => port.deliver({ t: "error", rid, error }));
      else send(frame);
    });
    find(".ss-stop")?.click();
    await until(() => expect(find("[role=alert]")?.textContent).toBe("The build could not be stopped."));
    expect((find(".ss-stop") as HTMLButtonElement).disabled).toBe(false);
  });

  test("shows what failed and what to do, as text and without a stop", async () => {
    build(836_400, { error: "The disk is <b>full</b>.", hint: "Make room <img src=x>." });
    await ready(".ss-build-failed");
    expect(find(".ss-build-failed")?.textContent).toContain("The disk is <b>full</b>.Make room <img src=x>.");
    expect(host.querySelector(".ss-build b, .ss-build img, .ss-stop, [role=progressbar]")).toBeNull();
  });

  test("goes away when the index is whole", async () => {
    const { port, world } = build(836_400);
    await ready(".ss-build");
    tell(port, world, buildAt(2_040_000, null));
    await until(() => expect(find(".ss-build")).toBeNull());
    expect(plain(find(".ss-header")?.textContent)).toContain("2.0 M tokens");
  });

  test("is not there for an index that is whole, nor for one saved before builds were told", () => {
    const { is_complete: _, building: __, n_tokens_planned: ___, ...old } = infoOf(64);
    const saved = {
      version: 2,
      panel: "browser",
      spec: { scope: "dev" },
      info: old as ScopeInfo,
      answers: [],
    };
    show(snapshotPort(saved, new AbortController().signal));
    return ready(".ss-header").then(() => expect(find(".ss-build")).toBeNull());
  });

  test("offers nothing to stop when the kernel is gone", async () => {
    const { port } = build(836_400);
    await ready(".ss-stop");
    port.close();
    await until(() => expect(find(".ss-stop")).toBeNull());
    expect(find(".ss-build")?.textContent).toContain("Unfinished:");
  });
});

describe("an index that grows", () => {
  test("opens with its first shard, in the same panel", async () => {
    const { port, world } = build(0, { stage: "Reading the corpus", total: 0 });
    await ready("[role=progressbar]");
    expect(host.textContent).toContain("The first features show when the first shard is read.");
    expect(host.textContent).not.toContain("No index yet");
    tell(port, world, buildAt(260_000));
    await ready("[data-page-feature='0'] [data-example]");
    expect(host.textContent).not.toContain("first shard");
  });

  test("keeps rows, page and focus while the new ones are on the way", async () => {
    const { port, world } = build(520_000, {}, 3);
    await until(() => expect(all("[data-example]")).toHaveLength(20));
    await ready("[aria-selected=true]");
    const before = dataOf(3);
    const text = find(".ss-text");
    text?.focus();
    await second();
    let nLeast = 20;
    const observer = new MutationObserver(() => {
      nLeast = Math.min(nLeast, all("[data-example]").length, all("[role=row][data-feature]").length);
    });
    observer.observe(host, { childList: true, subtree: true, characterData: true });
    tell(port, world, buildAt(1_030_000));
    expect(dataOf(3)).toBe(before);
    await until(() => expect(dataOf(3)).not.toBe(before));
    await until(() => expect(plain(find(".ss-facts")?.textContent)).toContain("of 1.0 M tokens"));
    observer.disconnect();
    expect(nLeast).toBeGreaterThan(10);
    expect(host.querySelector(".ss-skeleton")).toBeNull();
    expect(document.activeElement).toBe(text);
    expect(find("[aria-selected=true]")?.dataset["feature"]).toBe("3");
  });

  test("stays scrolled where it was, and steps on from the open feature's new row", async () => {
    const { port, world } = build(520_000, {}, 40);
    await ready("[data-page-feature='40'] [data-example]");
    await ready("[aria-selected=true]");
    await second();
    const scroller = find(".ss-scroll") as HTMLElement;
    scroller.scrollTop = 26 * 300;
    scroller.dispatchEvent(new Event("scroll"));
    await ready("[data-feature='305']");
    world.shift = 2;
    tell(port, world, buildAt(1_030_000));
    await ready("[data-row='305'][data-feature='307']");
    expect(scroller.scrollTop).toBe(26 * 300);
    await until(() => expect(sent(port, "features.locate").length).toBeGreaterThan(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(scroller.scrollTop).toBe(26 * 300);
    find(".saescope")?.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    await ready("[data-page-feature='41']");
  });

  test("is asked for at most once a second, however often the news come", async () => {
    const { port, world } = build(260_000, {}, 3);
    await ready("[data-page-feature='3'] [data-example]");
    await ready("[aria-selected=true]");
    const before = sent(port, "features.window").length;
    for (let n = 2; n < 8; n++) tell(port, world, buildAt(n * 260_000));
    for (let n = 0; n < 5; n++) tell(port, world, { building: BUILD });
    await second();
    await until(() => expect(plain(find(".ss-facts")?.textContent)).toContain("of 1.8 M tokens"));
    expect(sent(port, "features.window").length - before).toBe(1);
    expect(sent(port, "feature.get")).toHaveLength(2);
  });

  test("that cannot be read anew stays, and says so", async () => {
    const { port, world } = build(520_000, {}, 3);
    await until(() => expect(all("[data-example]")).toHaveLength(20));
    await second();
    const error = { code: "internal", message: "The page could not be read.", hint: "", data: {} };
    const send = port.send.bind(port);
    const spy = vi.spyOn(port, "send").mockImplementation((frame) => {
      const { method, rid } = frame as { method?: string; rid?: string };
      if (method === "feature.get") queueMicrotask(() => port.deliver({ t: "error", rid, error }));
      else send(frame);
    });
    tell(port, world, buildAt(1_030_000));
    await until(() =>
      expect(find(".ss-page .ss-stale")?.textContent).toContain("The page could not be read."),
    );
    expect(all("[data-example]")).toHaveLength(20);
    spy.mockRestore();
    find(".ss-stale button")?.click();
    await until(() => expect(plain(find(".ss-facts")?.textContent)).toContain("of 1.0 M tokens"));
    expect(find(".ss-stale")).toBeNull();
  });
});

describe("a pace", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test("runs one job at a time, and again when news came meanwhile", async () => {
    const ends: (() => void)[] = [];
    const pace = new Pace(() => new Promise((resolve) => ends.push(resolve)));
    for (const version of ["a", "a", "b", "c"]) pace.ask(version);
    await vi.advanceTimersByTimeAsync(5000);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toHaveLength(2);
    ends[1]?.();
    pace.ask("c");
    await vi.advanceTimersByTimeAsync(5000);
    expect(ends).toHaveLength(2);
  });

  test("starts nothing once it is stopped", async () => {
    const run = vi.fn(() => Promise.resolve());
    const pace = new Pace(run);
    pace.ask("a");
    await vi.advanceTimersByTimeAsync(10);
    pace.ask("b");
    pace.stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(run).toHaveBeenCalledTimes(1);
  });
});
