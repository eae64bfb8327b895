import { describe, expect, test, vi } from "vitest";
import { Shared } from "../src/data/shared.js";
import { MemoryPort } from "../src/ports/memory.js";
import { Client } from "../src/protocol/client.js";

type Params = Record<string, unknown>;

/** A kernel whose scope has something selected. */
function kernel(selection: Params = { feature: null, picked: [], text: "" }) {
  const port: MemoryPort = new MemoryPort((frame, self) => {
    if (frame["t"] !== "request") return;
    const data = frame["method"] === "scope.selection" ? { scope: "dev", ...selection } : {};
    queueMicrotask(() => self.deliver({ t: "result", rid: frame["rid"], data }));
  });
  const sent = () =>
    port.sent.filter((f) => f["method"] === "scope.select").map((f) => f["params"] as Params);
  const hear = (data: Params) =>
    port.deliver({
      t: "notify",
      topic: "selection",
      data: { scope: "dev", feature: null, picked: null, text: null, ...data },
    });
  return { client: new Client(port), sent, hear };
}

describe("what panels share", () => {
  test("begins with what the kernel has selected", async () => {
    const shared = new Shared(kernel({ feature: 7, picked: [1, 2], text: "a b" }).client, "dev");
    await vi.waitFor(() => expect(shared.feature).toBe(7));
    expect([shared.picked, shared.text]).toEqual([[1, 2], "a b"]);
  });

  test("opens its own feature rather than the selected one", async () => {
    const shared = new Shared(kernel({ feature: 7, picked: [1], text: "" }).client, "dev", 3);
    await vi.waitFor(() => expect(shared.picked).toEqual([1]));
    expect(shared.feature).toBe(3);
  });

  test("tells the kernel what is chosen here, and not what it hears", async () => {
    const { client, sent, hear } = kernel();
    const shared = new Shared(client, "dev");
    shared.choose(4);
    await vi.waitFor(() => expect(sent()).toEqual([{ scope: "dev", feature: 4 }]));
    hear({ feature: 9, picked: [5], text: "x" });
    expect([shared.feature, shared.picked, shared.text]).toEqual([9, [5], "x"]);
    hear({ scope: "other", feature: 1 });
    expect(shared.feature).toBe(9);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sent()).toHaveLength(1);
  });

  test("tells the last of features that follow on each other soon, and none that another panel has gone on from", async () => {
    const { client, sent, hear } = kernel();
    const shared = new Shared(client, "dev");
    for (const feature of [4, 5, 6]) shared.choose(feature);
    await vi.waitFor(() => expect(sent()).toEqual([{ scope: "dev", feature: 6 }]));
    shared.choose(7);
    hear({ feature: 9 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([shared.feature, sent().length]).toEqual([9, 1]);
  });

  test("tells nobody of a feature that nobody chose, and keeps a chosen one", async () => {
    const { client, sent } = kernel();
    const shared = new Shared(client, "dev");
    shared.open(2);
    shared.open(3);
    await vi.waitFor(() => expect(shared.feature).toBe(2));
    expect(sent()).toEqual([]);
  });

  test("opens what is selected rather than what nobody chose", async () => {
    const shared = new Shared(kernel({ feature: 7, picked: [], text: "" }).client, "dev");
    shared.open(2);
    await vi.waitFor(() => expect(shared.feature).toBe(7));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(shared.feature).toBe(7);
  });

  test("goes back and forward as a browser does", async () => {
    const { client, sent } = kernel();
    const shared = new Shared(client, "dev", 1);
    for (const feature of [2, 3, 3]) shared.choose(feature);
    shared.back();
    shared.back();
    expect([shared.feature, shared.canGoBack, shared.canGoForward]).toEqual([1, false, true]);
    shared.back();
    shared.forward();
    expect(shared.feature).toBe(2);
    shared.choose(8);
    expect([shared.canGoForward, shared.feature]).toEqual([false, 8]);
    await vi.waitFor(() => expect(sent().map((p) => p["feature"])).toEqual([8]));
  });

  test("marks and unmarks features, each once", () => {
    const { client, sent } = kernel();
    const shared = new Shared(client, "dev");
    shared.pick([3, 3, 5]);
    shared.togglePicked(7);
    shared.togglePicked(3);
    expect(shared.picked).toEqual([5, 7]);
    expect(sent().at(-1)).toEqual({ scope: "dev", picked: [5, 7] });
  });

  test("is quiet when it is closed", () => {
    const { client, hear } = kernel();
    const shared = new Shared(client, "dev", 1);
    const heard = vi.fn();
    shared.listen(heard);
    shared.close();
    hear({ feature: 5 });
    expect([shared.feature, heard.mock.calls.length]).toEqual([1, 0]);
  });
});
