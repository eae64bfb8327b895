import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixturePort } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import type { PanelView, ViewProps } from "../src/panels/index.js";
import { PANELS } from "../src/panels/index.js";
import { TABS } from "../src/panels/tabs.js";
import { MemoryPort } from "../src/ports/memory.js";
import { useKeys } from "../src/views/shell/keys.js";

type State = Record<string, unknown> & { n: number };
type Params = Record<string, unknown>;

let host: HTMLElement;
let unmount = () => {};
let isBroken = false;

/** A panel that shows what it is given. */
function Probe({ feature, choose, state, update, openTab }: ViewProps<State>) {
  useKeys({ x: ["add one", () => update({ n: state.n + 1 })] });
  if (isBroken) throw new Error("the view is broken");
  return (
    <div data-probe data-first-focus tabIndex={0}>
      <output>{`${feature} ${state.n} ${openTab ? "tab" : "alone"}`}</output>
      <button type="button" id="choose" onClick={() => choose(11)}>
        choose
      </button>
    </div>
  );
}

const probe: PanelView<State> = {
  title: "Probe",
  about: "For tests.",
  View: Probe,
  initial: { n: 0 },
  height_px: 200,
  hasFeature: true,
  code: ({ n }, feature) => `scope.probe(${feature}, n=${n})`,
};

beforeEach(() => {
  isBroken = false;
  PANELS["probe"] = probe;
  TABS["probe"] = probe;
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  unmount();
  host.remove();
  delete PANELS["probe"];
  delete TABS["probe"];
  vi.restoreAllMocks();
});

const find = (selector: string) => host.querySelector<HTMLElement>(selector);
const text = () => find("[data-probe] output")?.textContent;
const until = (check: () => void) => vi.waitFor(check, { timeout: 3000 });
const press = (key: string, on: Element | null = find(".saescope")) =>
  on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const button = (name: string) =>
  [...host.querySelectorAll("button")].find((b) => b.textContent?.trim().startsWith(name));

/** The fixture's kernel, which also remembers a panel's state. */
function kernel(saved: Params = {}) {
  const answers = fixturePort(64, 1);
  const port: MemoryPort = new MemoryPort((frame, self) => {
    if (frame["method"] === "panel.load")
      return queueMicrotask(() => self.deliver({ t: "result", rid: frame["rid"], data: { state: saved } }));
    answers.send(frame);
  });
  answers.onFrame((frame) => port.deliver(frame as object));
  const sent = (method: string) =>
    port.sent.filter((f) => f["method"] === method).map((f) => f["params"] as Params);
  return { port, sent };
}

function show(port: MemoryPort, panel = "probe", spec: Params = {}): void {
  unmount = mount(panel, port, host, { scope: "dev", panel: "p1", feature: 3, ...spec });
}

describe("a panel alone", () => {
  test("shows its feature, follows the others, and saves what was done in it", async () => {
    const { port, sent } = kernel();
    show(port);
    await until(() => expect(text()).toBe("3 0 alone"));
    await until(() => {
      if (text() === "3 0 alone") press("x");
      expect(text()).toBe("3 1 alone");
    });
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: 9 } });
    await until(() => expect(text()).toBe("9 1 alone"));
    await until(() =>
      expect(sent("panel.save").at(-1)).toMatchObject({ panel: "p1", state: { n: 1, feature: 9 } }),
    );
  });

  test("keeps its feature while it is out of sight, and catches up", async () => {
    let see: (isIntersecting: boolean) => void = () => {};
    class Sight {
      constructor(tell: (news: { isIntersecting: boolean }[]) => void) {
        see = (isIntersecting) => tell([{ isIntersecting }]);
      }
      observe() {}
      disconnect() {}
    }
    vi.stubGlobal("IntersectionObserver", Sight);
    const { port } = kernel();
    show(port);
    await until(() => expect(text()).toBe("3 0 alone"));
    see(false);
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: 9 } });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(text()).toBe("3 0 alone");
    see(true);
    await until(() => expect(text()).toBe("9 0 alone"));
    vi.unstubAllGlobals();
  });

  test("saves what was done in it last, when it goes at once", async () => {
    const { port, sent } = kernel();
    show(port);
    await until(() => expect(text()).toBe("3 0 alone"));
    await until(() => expect(sent("panel.save")).not.toEqual([]));
    press("x");
    await until(() => expect(text()).toBe("3 1 alone"));
    unmount();
    expect(sent("panel.save").at(-1)).toMatchObject({ state: { n: 1 } });
  });

  test("goes on where it was left", async () => {
    show(kernel({ n: 5, feature: 12 }).port);
    await until(() => expect(text()).toBe("12 5 alone"));
  });

  test("begins with the state of its spec", async () => {
    show(kernel().port, "probe", { state: { n: 2 } });
    await until(() => expect(text()).toBe("3 2 alone"));
  });

  test("keeps its feature while it is locked, and chooses for the others", async () => {
    const { port, sent } = kernel();
    show(port);
    await until(() => expect(text()).toBe("3 0 alone"));
    button("lock")?.click();
    await until(() => expect(button("locked #3")).toBeDefined());
    find("#choose")?.click();
    await until(() => expect(sent("scope.select")).toEqual([{ scope: "dev", feature: 11 }]));
    port.deliver({ t: "notify", topic: "selection", data: { scope: "dev", feature: 9 } });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(text()).toBe("3 0 alone");
    button("locked")?.click();
    await until(() => expect(text()).toBe("9 0 alone"));
  });

  test("goes back with b and forward with f", async () => {
    show(kernel().port);
    await until(() => expect(text()).toBe("3 0 alone"));
    find("#choose")?.click();
    await until(() => expect(text()).toBe("11 0 alone"));
    press("b");
    await until(() => expect(text()).toBe("3 0 alone"));
    press("f");
    await until(() => expect(text()).toBe("11 0 alone"));
  });

  test("lists its keys, and copies its call", async () => {
    const writeText = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText } });
    show(kernel().port);
    await until(() => expect(text()).toBe("3 0 alone"));
    press("?");
    await until(() => expect(find("[role=dialog]")?.textContent).toContain("xadd one"));
    button("copy code")?.click();
    await until(() => expect(writeText).toHaveBeenCalledWith("scope.probe(3, n=0)"));
    vi.unstubAllGlobals();
  });

  test("keeps a fault of its view to itself, and draws again when asked", async () => {
    isBroken = true;
    show(kernel().port);
    await until(() => expect(host.textContent).toContain("the view is broken"));
    expect(find(".ss-header")).not.toBeNull();
    isBroken = false;
    button("Draw it again")?.click();
    await until(() => expect(text()).toBe("3 0 alone"));
  });
});

describe("a tab of the browser", () => {
  const open = async (port: MemoryPort) => {
    show(port, "browser");
    await until(() => expect(find("[data-page-feature='3'] [data-example]")).not.toBeNull());
    host.querySelectorAll<HTMLElement>("[role=tab]").forEach((tab) => {
      if (tab.textContent === "Probe") tab.click();
    });
    await until(() => expect(text()).toBe("3 0 tab"));
  };

  test("opens beside the page, has its own state and lock, and closes", async () => {
    const { port, sent } = kernel();
    await open(port);
    press("x");
    await until(() => expect(text()).toBe("3 1 tab"));
    button("lock")?.click();
    await until(() => expect(button("locked #3")).toBeDefined());
    find("#choose")?.click();
    await until(() => expect(find("[data-page-feature='11']")).not.toBeNull());
    expect(text()).toBe("3 1 tab");
    await until(() =>
      expect(sent("panel.save").at(-1)).toMatchObject({
        state: { tab: "probe", feature: 11, panels: { probe: { n: 1, locked: 3 } } },
      }),
    );
    find("[aria-label='Close Probe']")?.click();
    await until(() => expect(find("[role=tabpanel]")).toBeNull());
  });

  test("takes the focus when it was opened by hand", async () => {
    await open(kernel().port);
    await until(() => expect(document.activeElement).toBe(find("[data-first-focus]")));
  });

  test("takes the page's room and gives it back", async () => {
    await open(kernel().port);
    button("larger")?.click();
    await until(() => expect(find("[data-page-feature]")).toBeNull());
    button("with the page")?.click();
    await until(() => expect(find("[data-page-feature]")).not.toBeNull());
  });

  test("leaves the table and the page alone when it fails", async () => {
    await open(kernel().port);
    isBroken = true;
    press("x");
    await until(() => expect(find("[role=tabpanel]")?.textContent).toContain("the view is broken"));
    expect(find("[data-page-feature='3'] [data-example]")).not.toBeNull();
  });

  test("shares the room by the arrow keys", async () => {
    const { port, sent } = kernel();
    await open(port);
    const divider = find("[role=separator][aria-label='Width of the table']");
    press("ArrowRight", divider);
    await until(() => expect(divider?.getAttribute("aria-valuenow")).toBe("36"));
    await until(() => expect(sent("panel.save").at(-1)).toMatchObject({ state: { left: 0.36 } }));
  });
});
