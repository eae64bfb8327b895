import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { FEATURE_TYPE } from "../src/data/drag.js";
import type { MountOptions, PanelHandle } from "../src/draw.js";
import { type Host, registerHost } from "../src/host.js";
import { mount } from "../src/mount.js";
import type { MemoryPort } from "../src/ports/memory.js";

let el: HTMLElement;
let unmount = () => {};
let port: MemoryPort;
let off = () => {};

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => {
  unmount();
  off();
  el.remove();
});

const find = (selector: string) => el.querySelector<HTMLElement>(selector);
const until = (check: () => void) => vi.waitFor(check, { timeout: 4000 });
const ready = (selector: string) => until(() => expect(find(selector)).not.toBeNull());
const press = (key: string) =>
  find(".saescope")?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const sent = (method: string) => port.sent.filter((f) => f["method"] === method);
const button = (text: string) =>
  [...el.querySelectorAll<HTMLElement>("button")].find((b) => b.textContent === text);

function show(options: MountOptions = {}, feature = 3): void {
  port = fixturePort(64, 1);
  unmount = mount("browser", port, el, { scope: "dev", feature }, options);
}

/** A drag as browsers make it, with data that can be read at once. */
function drag(type: string, on: Element | null, data: Record<string, string> = {}) {
  const held = new Map(Object.entries(data));
  const event = new Event(type, { bubbles: true, cancelable: true });
  const dataTransfer = {
    get types() {
      return [...held.keys()];
    },
    getData: (kind: string) => held.get(kind) ?? "",
    setData: (kind: string, value: string) => held.set(kind, value),
    files: [],
    effectAllowed: "",
  };
  Object.assign(event, { dataTransfer });
  on?.dispatchEvent(event);
  return { event, held };
}

test("a panel without a host inserts nothing and offers nothing", async () => {
  show();
  await ready("[data-page-feature='3']");
  expect(button("insert cell")).toBeUndefined();
  press("i");
  press("?");
  await ready("[role=dialog]");
  expect(find("[role=dialog]")?.textContent).not.toContain("insert a cell");
});

test("the button gives the host the panel's call, and the key the call that shows the feature", async () => {
  const insertCell = vi.fn<NonNullable<Host["insertCell"]>>();
  show({ host: { insertCell } });
  await ready("[data-page-feature='3'] [data-example]");
  button("insert cell")?.click();
  expect(insertCell.mock.calls[0]?.[0]).toMatch(/^scope\.\w+\(/);
  expect(el.contains(insertCell.mock.calls[0]?.[1] ?? null)).toBe(true);
  press("i");
  expect(insertCell.mock.calls[1]?.[0]).toBe('scope.show("feature", 3)');
});

test("a host that was registered serves every panel of the page, until it is taken back", async () => {
  const insertCell = vi.fn();
  off = registerHost({ insertCell });
  show();
  await ready("[data-page-feature='3']");
  press("i");
  expect(insertCell).toHaveBeenCalledOnce();
  unmount();
  off();
  show();
  await ready("[data-page-feature='3']");
  press("i");
  expect(insertCell).toHaveBeenCalledOnce();
});

test("what the host gives as defaults is asked for, and what a person chose before wins", async () => {
  const host = { defaults: { feature: { context: 5, k: 7 } } };
  show({ host });
  await until(() => expect(sent("examples.list")[0]?.["params"]).toMatchObject({ context: 5, k: 7 }));
  unmount();
  port = fixturePort(64, 1);
  const state = { panels: { feature: { context: 0 } } };
  unmount = mount("browser", port, el, { scope: "dev", feature: 3, state }, { host });
  await until(() => expect(sent("examples.list")[0]?.["params"]).toMatchObject({ context: 0, k: 7 }));
});

test.each(["browser", "feature"])(
  "new settings reach an open %s, but for what was chosen there",
  async (name) => {
    const listeners = new Set<() => void>();
    const host = {
      defaults: { feature: { context: 5, k: 7 } },
      onDefaults: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    port = fixturePort(64, 1);
    unmount = mount(name, port, el, { scope: "dev", feature: 3 }, { host });
    const asked = () => sent("examples.list").at(-1)?.["params"];
    await until(() => expect(asked()).toMatchObject({ context: 5, k: 7 }));
    await ready("[aria-label='Tokens of context on each side'] button");
    const full = [
      ...el.querySelectorAll<HTMLElement>("[aria-label='Tokens of context on each side'] button"),
    ].at(2);
    full?.click();
    await until(() => expect(asked()).toMatchObject({ context: 0, k: 7 }));
    host.defaults = { feature: { context: 16, k: 9 } };
    for (const listener of listeners) listener();
    await until(() => expect(asked()).toMatchObject({ context: 0, k: 9 }));
    unmount();
    await until(() => expect(listeners.size).toBe(0));
    unmount = () => {};
  },
);

test("calls name the variable that the scope has in the notebook, as the kernel tells it", async () => {
  const insertCell = vi.fn<NonNullable<Host["insertCell"]>>();
  show({ host: { insertCell } });
  await ready("[data-page-feature='3'] [data-example]");
  port.deliver({ t: "notify", topic: "scopes", data: { scopes: [{ ...infoOf(64), variable: "mine" }] } });
  await ready("[data-variable=mine]");
  press("i");
  expect(insertCell.mock.calls[0]?.[0]).toBe('mine.show("feature", 3)');
  button("insert cell")?.click();
  expect(insertCell.mock.calls[1]?.[0]).toMatch(/^mine\.\w+\(/);
  const { held } = drag("dragstart", find("[role=row][data-feature='5']")?.firstElementChild ?? null);
  expect(held.get("text/plain")).toBe('mine.show("feature", 5)');
});

test("the state is told to whoever drew the panel, who can change it", async () => {
  const states: Record<string, unknown>[] = [];
  let handle: PanelHandle | undefined;
  show({
    onState: (state) => states.push(state),
    onHandle: (made) => {
      handle = made;
    },
  });
  await until(() => expect(states.at(-1)?.["feature"]).toBe(3));
  await ready("[role=tab]");
  handle?.update({ tab: "try_it" });
  await until(() => expect(states.at(-1)?.["tab"]).toBe("try_it"));
  expect(find("[role=tab][aria-selected=true]")?.textContent).toBe("Try it");
});

test("a row is dragged as the call that shows its feature", async () => {
  show();
  await ready("[role=row][data-feature='5']");
  const row = find("[role=row][data-feature='5']");
  expect(row?.getAttribute("draggable")).toBe("true");
  const { held } = drag("dragstart", row?.firstElementChild ?? null);
  expect(Object.fromEntries(held)).toEqual({ [FEATURE_TYPE]: "5", "text/plain": 'scope.show("feature", 5)' });
});

test("a text that is dropped on the browser is tried; a feature is not, and a field keeps its own", async () => {
  show();
  await ready("[data-page-feature='3']");
  const page = find(".ss-page");
  expect(drag("dragover", page, { "text/plain": "x", [FEATURE_TYPE]: "5" }).event.defaultPrevented).toBe(
    false,
  );
  expect(drag("drop", find("[data-box=search]"), { "text/plain": "x" }).event.defaultPrevented).toBe(false);
  expect(drag("dragover", page, { "text/plain": "" }).event.defaultPrevented).toBe(true);
  drag("drop", page, { "text/plain": "The Golden Gate" });
  await ready(".ss-try");
  expect(find("[role=tab][aria-selected=true]")?.textContent).toBe("Try it");
  await until(() => expect(find(".ss-try textarea")).toHaveProperty("value", "The Golden Gate"));
  drag("drop", find(".ss-try-left"), { "text/plain": "Another text" });
  await until(() => expect(find(".ss-try textarea")).toHaveProperty("value", "Another text"));
});
