import { Signal } from "@lumino/signaling";
import { afterEach, expect, test, vi } from "vitest";
import { KernelLine } from "../src/line";
import type { Lines } from "../src/lines";
import { Selections } from "../src/selections";
import { FakeSession } from "./kernel";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Two notebooks with a kernel each; the first is active. */
function opened() {
  const sessions = [new FakeSession(true), new FakeSession(true)];
  const all = sessions.map((session) => new KernelLine(session));
  const world = { all, current: all[0], pathOf: (line: KernelLine) => `${all.indexOf(line)}.ipynb` };
  const changed = new Signal<object, void>(world);
  for (const line of all) {
    line.changed.connect(() => changed.emit());
    line.scopesChanged.connect(() => changed.emit());
    ends.push(() => line.dispose());
  }
  const lines = Object.assign(world, { changed });
  const selections = new Selections(lines as unknown as Lines);
  ends.push(() => selections.dispose());
  const choose = (n: number, feature: number) => {
    const data = { scope: "dev", feature, picked: null, text: null };
    for (const port of sessions[n]?.ports ?? []) port.deliver({ t: "notify", topic: "selection", data });
  };
  return { lines, selections, sessions, choose };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 4000 });

test("what is selected is that of the kernel in which a person did something last, or of the notebook turned to", async () => {
  const { lines, selections, choose } = opened();
  await until(() => expect(selections.selected?.notebook).toBe("0.ipynb"));
  await until(() => expect(lines.all[1]?.scopes.length).toBeGreaterThan(0));
  const heard: (number | null | undefined)[] = [];
  selections.changed.connect((_selections, selected) => heard.push(selected?.feature));
  choose(0, 12);
  expect(selections.selected).toMatchObject({ feature: 12, notebook: "0.ipynb", scope: { id: "dev" } });
  choose(1, 5);
  expect(selections.selected).toMatchObject({ feature: 5, notebook: "1.ipynb" });
  lines.current = lines.all[1];
  lines.changed.emit();
  lines.current = lines.all[0];
  lines.changed.emit();
  expect(selections.selected).toMatchObject({ feature: 12, notebook: "0.ipynb" });
  choose(0, 12);
  expect(heard).toEqual([12, 5, 12]);
});

test("nothing is selected when the kernel is gone", async () => {
  const { selections, sessions, choose } = opened();
  await until(() => expect(selections.selected).not.toBeNull());
  choose(0, 3);
  sessions[0]?.statusChanged.emit("dead");
  await until(() => expect(selections.selected).toBeNull());
});
