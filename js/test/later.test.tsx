import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { LATER } from "../later.mjs";
import { drawPanel } from "../src/draw.js";
import { chunkViews } from "../src/later/chunks.js";
import { later } from "../src/later/Later.js";
import { type LaterModule, LaterViews } from "../src/later/views.js";
import { MemoryPort } from "../src/ports/memory.js";
import type { Client } from "../src/protocol/client.js";

const told = {
  title: "Late",
  about: "Late.",
  initial: {},
  height_px: 100,
  hasFeature: false,
  code: () => "",
};
const found: LaterModule = {
  panel: { ...told, View: () => <b>here it is</b> },
  css: ".late {}",
};
let host: HTMLElement;

beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  host.remove();
  vi.useRealTimers();
});

function show(views: LaterViews): () => void {
  const port = new MemoryPort((frame, own) => {
    const { t, rid, method } = frame as { t: string; rid: string; method: string };
    if (t !== "request") return;
    own.deliver({ t: "result", rid, data: method === "scope.info" ? infoOf(8) : { picked: [], text: "" } });
  });
  return drawPanel("late", later("late", told), port, host, { scope: "dev" }, { later: views });
}

test("a panel comes once a page, with its style sheet, and is there at once the second time", async () => {
  const fetch = vi.fn(async () => found);
  const views = new LaterViews(fetch);
  const first = show(views);
  await vi.waitFor(() => expect(host.textContent).toContain("here it is"));
  expect(document.getElementById("saescope-style-late")?.textContent).toBe(".late {}");
  first();
  const second = show(views);
  await vi.waitFor(() => expect(host.textContent).toContain("here it is"));
  expect(host.querySelector(".ss-skeleton")).toBeNull();
  expect(fetch).toHaveBeenCalledTimes(1);
  second();
});

test("where a host draws in shadow roots, each root has the style sheet of what came, early or late", async () => {
  const views = new LaterViews(async () => found);
  const sheets = [1, 2].map(() => {
    const outer = document.createElement("div");
    host.append(outer);
    const root = outer.attachShadow({ mode: "open" });
    host = document.createElement("div");
    root.append(host);
    return { root, end: show(views), el: host };
  });
  for (const { root, el } of sheets) {
    await vi.waitFor(() => expect(el.textContent).toContain("here it is"));
    expect(root.getElementById("saescope-style-late")?.textContent).toBe(".late {}");
  }
  for (const { end } of sheets) end();
});

test("a panel that does not come says why and is asked for again; one that takes its time shows its shape", async () => {
  let come: (module: LaterModule) => void = () => {};
  const fetch = vi
    .fn<(name: string, client: Client) => Promise<LaterModule>>()
    .mockRejectedValueOnce(new Error("late.js was not built."))
    .mockImplementation(
      () =>
        new Promise((resolve) => {
          come = resolve;
        }),
    );
  const unmount = show(new LaterViews(fetch));
  await vi.waitFor(() => expect(host.textContent).toContain("late.js was not built."));
  host.querySelector<HTMLElement>(".ss-notice button")?.click();
  await vi.waitFor(() => expect(host.querySelector(".ss-skeleton")).not.toBeNull());
  come(found);
  await vi.waitFor(() => expect(host.textContent).toContain("here it is"));
  unmount();
});

test("every panel that comes later is a chunk too", async () => {
  const leave = chunkViews.join(document);
  for (const name of LATER) {
    const panel = await chunkViews.fetch(name, {} as Client);
    expect(panel.View).toBeTypeOf("function");
    expect(document.getElementById(`saescope-style-${name}`)?.textContent).toContain(".saescope");
  }
  leave();
});
