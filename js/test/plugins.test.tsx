import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fixturePort } from "../dev/fixture.js";
import { mount } from "../src/mount.js";
import { findAt } from "../src/plugins/at.js";
import { Extras } from "../src/plugins/extras.js";
import type { PluginNow, PluginPanel, PluginSurface } from "../src/plugins/surface.js";

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

const find = <E extends HTMLElement>(selector: string) => host.querySelector<E>(selector);
const said = (text: string) => vi.waitFor(() => expect(host.textContent).toContain(text));

function show(name: string, extras: Extras, state: Record<string, unknown> = {}): void {
  unmount = mount(name, fixturePort(64, 0), host, { scope: "dev", feature: 7, state }, { host: { extras } });
}

function panelWith(render: PluginPanel["view"]["render"]): Extras {
  const extras = new Extras();
  extras.addPanel({ name: "theirs", title: "Theirs", view: { render, css: ".theirs {}" } });
  return extras;
}

test("a panel of a plug-in draws in an element of its own, hears of changes, and asks the kernel", async () => {
  const heard: PluginNow[] = [];
  let surface: PluginSurface | undefined;
  const leave = vi.fn();
  const extras = panelWith((given) => {
    surface = given;
    given.el.textContent = `feature ${given.now.feature}`;
    given.onChange((now) => void heard.push(now));
    return leave;
  });
  show("theirs", extras);
  await said("feature 7");
  expect(find("style")?.textContent).toBe(".theirs {}");
  surface?.choose(9);
  await vi.waitFor(() => expect(heard.at(-1)?.feature).toBe(9));
  surface?.update({ depth: 3 });
  await vi.waitFor(() => expect(heard.at(-1)?.state).toMatchObject({ depth: 3 }));
  const answer = await surface?.ask("feature.get", { feature: 5 });
  expect(answer?.data.feature).toBe(5);
  unmount();
  expect(leave).toHaveBeenCalledTimes(1);
  expect(surface?.signal.aborted).toBe(true);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("no luck");
    },
  ],
  ["rejects", () => Promise.reject(new Error("no luck"))],
])("a view that %s says so in its panel, and is drawn again when asked", async (_how, fault) => {
  const render = vi.fn<PluginPanel["view"]["render"]>().mockImplementationOnce(fault);
  render.mockImplementation(({ el }) => {
    el.textContent = "fine now";
    return undefined;
  });
  show("theirs", panelWith(render));
  await said("no luck");
  expect(find(".ss-header")).not.toBeNull();
  find(".ss-notice button")?.click();
  await said("fine now");
});

test("a listener that fails ends up in its panel too", async () => {
  let surface: PluginSurface | undefined;
  show(
    "theirs",
    panelWith((given) => {
      surface = given;
      given.el.textContent = "drawn";
      given.onChange(async () => {
        throw new Error("cannot follow");
      });
      return undefined;
    }),
  );
  await said("drawn");
  surface?.choose(11);
  await said("cannot follow");
});

test("panels, actions and columns come and go; names are taken once", async () => {
  const extras = new Extras();
  show("browser", extras);
  await vi.waitFor(() => expect(find("[role=tab]")).not.toBeNull());
  const tabs = () => [...host.querySelectorAll("[role=tab]")].map((tab) => tab.textContent);
  const view = { render: () => undefined };
  const remove = extras.addPanel({ name: "theirs", title: "Theirs", key: "n", view });
  await vi.waitFor(() => expect(tabs()).toContain("Theirs"));
  const tip = [...host.querySelectorAll("[role=tab]")].at(-1)?.getAttribute("title");
  expect(tip).not.toContain("(n)");
  expect(() => extras.addPanel({ name: "theirs", title: "Again", view })).toThrow("already");
  expect(() => extras.addAction({ name: "a b", label: "", run: () => {} })).toThrow("letters");
  remove();
  await vi.waitFor(() => expect(tabs()).not.toContain("Theirs"));
});

test("an action has its button on the page, and one that fails says so there", async () => {
  const extras = new Extras();
  const done: number[] = [];
  extras.addAction({ name: "good", label: "Good", run: (feature) => void done.push(feature) });
  extras.addAction({
    name: "bad",
    label: "Bad",
    run: async () => {
      throw new Error("<b>no</b> luck");
    },
  });
  show("feature", extras);
  await vi.waitFor(() => expect(find("[data-action=good]")).not.toBeNull());
  find("[data-action=good]")?.click();
  await vi.waitFor(() => expect(done).toEqual([7]));
  find("[data-action=bad]")?.click();
  await said("Bad failed: <b>no</b> luck");
  expect(find("[data-example]")).not.toBeNull();
  const page = find(".ss-page");
  expect(page && findAt(page)?.scope.id).toBe("dev");
});

test("a column is asked for the features in sight, once each; one that fails is asked again from its head", async () => {
  const extras = new Extras();
  const asked: number[] = [];
  const values = vi.fn(async (features: readonly number[]) => {
    asked.push(...features);
    return features.map((feature) => (feature % 2 ? `odd ${feature}` : null));
  });
  values.mockRejectedValueOnce(new Error("not yet"));
  extras.addColumn({ name: "parity", label: "parity", values });
  show("features", extras, { columns: ["density", "+parity"] });
  await vi.waitFor(() => expect(host.textContent).toContain("parity failed: not yet"));
  [...host.querySelectorAll<HTMLElement>("[role=columnheader] button")]
    .find((button) => button.title.includes("not yet"))
    ?.click();
  await said("odd ");
  const row = [...host.querySelectorAll<HTMLElement>("[role=row][data-feature]")].find(
    (each) => Number(each.dataset["feature"]) % 2 === 1,
  );
  expect(row?.querySelector(".ss-extra")?.textContent).toBe(`odd ${row?.dataset["feature"]}`);
  expect(new Set(asked).size).toBe(asked.length);
});
