import { nullTranslator } from "@jupyterlab/translation";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KernelLine } from "../src/line";
import { LivePanel, type SavedState } from "../src/livePanel";
import type { Remedy } from "../src/words";
import { FakeSession } from "./kernel";

let session: FakeSession;
let line: KernelLine;
let panel: LivePanel | undefined;
let states: SavedState[];
let remedies: Remedy[];

beforeEach(() => {
  states = [];
  remedies = [];
  session = new FakeSession(true);
  line = new KernelLine(session);
});
afterEach(() => {
  panel?.dispose();
  panel?.node.remove();
  panel = undefined;
  line.dispose();
});

const until = (check: () => void) => vi.waitFor(check, { timeout: 4000 });
const strip = () => panel?.node.querySelector<HTMLElement>(".saescope-strip");
const views = () => panel?.node.querySelectorAll(".saescope").length;
const kind = () => line.state.kind;

function show(): LivePanel {
  const made = new LivePanel({
    layout: "auto",
    panel: "lab-test",
    host: {},
    trans: nullTranslator.load("saescope"),
    choose: (scopes) => scopes[0],
    stateOf: () => states.at(-1),
    onState: (_scope, state) => states.push(state),
    remedy: (remedy) => remedies.push(remedy),
  });
  document.body.append(made.node);
  made.follow(line, "closed", true);
  panel = made;
  return made;
}

test("a line opens when the package is imported, and again after a restart", async () => {
  const other = new FakeSession(false);
  const own = new KernelLine(other);
  await until(() => expect(own.state.kind).toBe("not-loaded"));
  other.load();
  await until(() => expect(own.scopes.map((s) => s.id)).toEqual(["dev"]));
  other.restart();
  await until(() => expect(own.state.kind).toBe("not-loaded"));
  expect(own.scopes).toEqual([]);
  other.load();
  await until(() => expect(own.state.kind).toBe("open"));
  own.dispose();
  expect(other.nOpen).toBe(0);
  expect(other.nTargets).toBe(0);
});

test("a line tells of a dead kernel until another takes its place", async () => {
  await until(() => expect(kind()).toBe("open"));
  session.status("dead");
  expect(kind()).toBe("dead");
  session.kernel = null;
  session.kernelChanged.emit(undefined);
  expect(kind()).toBe("dead");
});

test("a panel greys when the kernel restarts, keeps what it drew, and comes back with what was done in it", async () => {
  const made = show();
  await until(() => expect(made.node.querySelector("[data-page-feature] [data-example]")).not.toBeNull());
  expect(strip()?.hidden).toBe(true);
  made.update({ tab: "try_it" });
  await until(() => expect(states.at(-1)?.["tab"]).toBe("try_it"));
  session.restart();
  await until(() => expect(strip()?.textContent).toContain("The kernel was restarted"));
  expect(made.isLive).toBe(false);
  expect(made.node.querySelector(".saescope-lost [data-example]")).not.toBeNull();
  strip()?.querySelector("button")?.click();
  expect(remedies).toEqual(["open"]);
  session.load();
  await until(() => expect(made.isLive).toBe(true));
  await until(() => expect(views()).toBe(1));
  await until(() =>
    expect(made.node.querySelector("[role=tab][aria-selected=true]")?.textContent).toBe("Try it"),
  );
  expect(strip()?.hidden).toBe(true);
});

test("a dead kernel is told with what to do", async () => {
  const made = show();
  await until(() => expect(made.node.querySelector("[data-example]")).not.toBeNull());
  session.status("dead");
  expect(strip()?.textContent).toContain("The kernel is dead");
  strip()?.querySelector("button")?.click();
  expect(remedies).toEqual(["restart"]);
});

test("a change that was asked for before the panel was drawn is made when it is", async () => {
  const made = show();
  made.update({ tab: "map" });
  await until(() =>
    expect(made.node.querySelector("[role=tab][aria-selected=true]")?.textContent).toBe("Map"),
  );
});

test("opening and closing leaves no comm open", async () => {
  await until(() => expect(kind()).toBe("open"));
  for (let n = 0; n < 20; n++) {
    const made = show();
    await until(() => expect(made.isLive).toBe(true));
    if (n % 2) await until(() => expect(made.node.querySelector("[data-example]")).not.toBeNull());
    made.dispose();
    made.node.remove();
  }
  panel = undefined;
  expect(session.nOpen).toBe(1);
  line.dispose();
  expect(session.nOpen).toBe(0);
}, 30_000);

test("nothing is drawn where nobody sees it", async () => {
  const made = show();
  made.setSeen(false);
  await until(() => expect(kind()).toBe("open"));
  made.follow(undefined, "none", false);
  expect(views()).toBe(0);
  made.follow(line, "none", false);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(views()).toBe(0);
  made.setSeen(true);
  await until(() => expect(views()).toBe(1));
});
