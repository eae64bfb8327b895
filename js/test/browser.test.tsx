import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import { type Recorded, type Snapshot, snapshotPort } from "../src/ports/snapshot.js";
import type { Port } from "../src/protocol/client.js";
import type { Example, FeaturePage } from "../src/protocol/generated.js";

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

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const ready = (selector: string) =>
  vi.waitFor(() => expect(find(selector)).not.toBeNull(), { timeout: 3000 });
const press = (key: string, on: Element | null = find(".saescope")) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const sent = (port: MemoryPort, method: string) =>
  port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Record<string, unknown>);

describe("the browser", () => {
  test("opens the feature of its spec, with its examples", async () => {
    show(fixturePort(4096, 1), 8);
    await ready("[data-page-feature='8'] [data-example]");
    await vi.waitFor(() => expect(all("[data-example]")).toHaveLength(20));
    expect(find("[role=row][data-feature='8']")?.getAttribute("aria-selected")).toBe("true");
    expect(all("[data-example]").every((e) => e.querySelectorAll("[data-peak]").length === 1)).toBe(true);
  });

  test("opens the first row when its spec names no feature, and selects nothing for others", async () => {
    const port = fixturePort(4096, 1);
    show(port);
    await ready("[data-page-feature='0'] [data-example]");
    expect(sent(port, "scope.select")).toEqual([]);
  });

  test("shows markup in a token as text", async () => {
    show(fixturePort(4096, 1), 1);
    await ready("[data-example]");
    press("]");
    await vi.waitFor(() =>
      expect(find(".ss-examples")?.textContent).toContain("<img src=x onerror=alert(1)>"),
    );
    expect(host.querySelector("img")).toBeNull();
  });

  test("reads the page of a row that is pressed or rested on, and asks no more when it is clicked", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-page-feature='3'] [data-example]");
    await ready("[role=row][data-feature='7']");
    const asked = () => sent(port, "feature.get").map((p) => p["feature"]);
    const row = (feature: number) => find(`[role=row][data-feature='${feature}']`);
    row(7)?.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    await vi.waitFor(() => expect(asked()).toEqual([3, 7]));
    row(6)?.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    await vi.waitFor(() => expect(asked()).toEqual([3, 7, 6]));
    expect(find("[data-page-feature]")?.dataset["pageFeature"]).toBe("3");
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const feature of [6, 7]) {
      row(feature)?.click();
      await ready(`[data-page-feature='${feature}'] [data-example]`);
    }
    expect(asked()).toEqual([3, 7, 6]);
    expect(sent(port, "examples.list")).toHaveLength(3);
    // by other options nothing is known
    press("]");
    await vi.waitFor(() => expect(sent(port, "examples.list")).toHaveLength(4));
  });

  test("goes on with j and back with k, and tells the scope", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-page-feature='3'] [data-example]");
    await ready("[aria-selected=true]");
    const told = () => sent(port, "scope.select").map((p) => p["feature"]);
    press("j");
    await ready("[data-page-feature='4'] [data-example]");
    await vi.waitFor(() => expect(told()).toEqual([4]));
    press("k");
    await ready("[data-page-feature='3'] [data-example]");
    await vi.waitFor(() => expect(told()).toEqual([4, 3]));
  });

  test("leaves keys in a text field alone", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-page-feature='3'] [data-example]");
    press("j", find("[data-box=search]"));
    expect(sent(port, "scope.select")).toEqual([]);
  });

  test("follows a selection made elsewhere without telling it on", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-page-feature='3'] [data-example]");
    port.deliver({ t: "notify", topic: "selection", data: { scope: "other", feature: 5 } });
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: 9 } });
    await ready("[data-page-feature='9'] [data-example]");
    expect(sent(port, "scope.select")).toEqual([]);
  });

  test("refuses a number that the SAE does not have", async () => {
    show(fixturePort(4096, 1), 3);
    await ready("[data-example]");
    const box = find("[data-box=number]") as HTMLInputElement;
    box.value = "4096";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await vi.waitFor(() => expect(box.value).toBe("4096"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    box.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await ready("[role=alert]");
    expect(find("[role=alert]")?.textContent).toBe("No feature 4096: this SAE has 0 to 4,095.");
  });

  test("says so when nothing matches, and clears the filter", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-feature]");
    const box = find("[data-box=search]") as HTMLInputElement;
    box.value = "nothing";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await vi.waitFor(() => expect(host.textContent).toContain("Nothing contains “nothing”."));
    find(".ss-table .ss-notice button")?.click();
    await ready("[role=row][data-feature='0']");
  });

  test("sorts by a head, and turns the order round with a second click", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-feature]");
    const head = () => find(".ss-head .ss-density");
    head()?.querySelector("button")?.click();
    await vi.waitFor(() => expect(head()?.getAttribute("aria-sort")).toBe("descending"));
    head()?.querySelector("button")?.click();
    await vi.waitFor(() => expect(head()?.getAttribute("aria-sort")).toBe("ascending"));
    await vi.waitFor(() =>
      expect(sent(port, "features.window").at(-1)).toMatchObject({ sort: "density", descending: false }),
    );
  });

  test("says that a feature never fired", async () => {
    show(fixturePort(4096, 1), 5);
    await ready("[data-page-feature='5']");
    expect(host.textContent).toContain("This feature never fired on the 2.0\u2009M tokens of the index.");
  });

  test("keeps its data when the kernel goes", async () => {
    const port = fixturePort(4096, 1);
    show(port, 3);
    await ready("[data-example]");
    port.close();
    await vi.waitFor(() => expect(host.textContent).toContain("The kernel is gone: run the cell again."));
    expect(all("[data-example]").length).toBeGreaterThan(0);
  });

  test("offers the call that builds an index when there is none", async () => {
    const port = new MemoryPort((frame, self) => {
      if (frame["t"] === "request")
        self.deliver({ t: "result", rid: frame["rid"], data: { ...infoOf(64), has_index: false } });
    });
    show(port);
    await vi.waitFor(() => expect(host.textContent).toContain("No index yet."));
  });

  test("shows what failed, and asks again", async () => {
    let isBroken = true;
    const good = fixturePort(64, 0);
    const port = new MemoryPort((frame, self) => {
      if (frame["method"] !== "feature.get" || !isBroken) return good.send(frame);
      const error = {
        code: "internal",
        message: "The feature could not be read.",
        hint: "Try again.",
        data: {},
      };
      self.deliver({ t: "error", rid: frame["rid"], error });
    });
    good.onFrame((frame) => port.deliver(frame as object));
    show(port, 3);
    await vi.waitFor(() => expect(host.textContent).toContain("The feature could not be read."));
    isBroken = false;
    find(".ss-page .ss-notice button")?.click();
    await ready("[data-page-feature='3'] [data-example]");
  });
});

/** What the kernel of the fixture answers to one request. */
async function ask<T>(method: string, params: object): Promise<T> {
  const port = fixturePort(64, 0);
  return new Promise((resolve) => {
    port.onFrame((frame) => {
      const { t, data } = frame as { t: string; data: T };
      if (t === "event" || (t === "result" && method !== "examples.list")) resolve(data);
    });
    port.send({ t: "request", rid: "1", method, params });
  });
}

test("a snapshot shows what is stored, and says that it is one", async () => {
  const { examples } = await ask<{ examples: Example[] }>("examples.list", {
    feature: 2,
    k: 8,
    context: 12,
    group: "top",
  });
  const { rows } = await ask<{ rows: Record<string, unknown>[] }>("features.window", { offset: 0, count: 4 });
  const page = await ask<FeaturePage>("feature.get", { feature: 2 });
  const groups = [{ name: "top", low: 0, high: 9, n_fires: 8, share: 1, is_exact: true }];
  const recorded = (method: string, params: object, data: object, events: object[] = []) =>
    ({ method, params, data, events, buffers: [] }) as unknown as Recorded;
  const saved: Snapshot = {
    version: 2,
    panel: "browser",
    spec: { scope: "dev", feature: 2, panel: "p1" },
    info: infoOf(64),
    answers: [
      recorded("features.window", {}, { offset: 0, count: 4, n_match: 64, n_features: 64, rows }),
      recorded("feature.get", { feature: 2 }, page),
      recorded("examples.list", { feature: 2, group: "top" }, { n_examples: 8, groups }, [{ examples }]),
    ],
  };
  show(snapshotPort(saved, new AbortController().signal), 2);
  await ready("[data-page-feature='2'] [data-example]");
  await vi.waitFor(() => expect(all("[role=row][data-feature]")).toHaveLength(4));
  expect(host.textContent).toContain("Snapshot: run the cell to go live.");
  find("[role=row][data-feature='3']")?.click();
  await vi.waitFor(() =>
    expect(host.textContent).toContain("This is a snapshot: what you ask for was not saved."),
  );
});
