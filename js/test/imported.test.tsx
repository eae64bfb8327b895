import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fixturePort, infoOf } from "../dev/fixture.js";
import { density } from "../src/data/format.js";
import { mount } from "../src/mount.js";
import { MemoryPort } from "../src/ports/memory.js";
import { linesOf } from "../src/views/map/briefs.js";
import { shareText } from "../src/views/page/ExamplesBar.js";
import { firing } from "../src/views/shell/FeatureName.js";

vi.setConfig({ testTimeout: 30_000 });

const TOLD = "Imported from neuronpedia (gpt2/6-res). Not in it: <b>mean</b> activations.";

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

/** A kernel with an imported index, whose page of every feature is as given. */
function portOf(page: object): MemoryPort {
  const world = { info: { ...infoOf(64), has_postings: false, imported: TOLD }, shift: 0 };
  const inner = fixturePort(64, 0, world);
  const port = new MemoryPort((frame) => inner.send(frame));
  inner.onFrame((frame, buffers) => {
    const { data } = frame as { data?: { weights?: object; not_counted?: string } };
    const isPage = data?.weights !== undefined && data.not_counted !== undefined;
    port.deliver(isPage ? { ...(frame as object), data: { ...data, ...page } } : (frame as object), buffers);
  });
  return port;
}

const show = (page: object) => {
  unmount = mount("feature", portOf(page), host, { scope: "dev", feature: 8, state: {} });
};
const text = () => host.textContent ?? "";
const ready = (part: string) => vi.waitFor(() => expect(text()).toContain(part), { timeout: 8000 });

test("figures that the source does not hold are not shown, and nothing stands in for them", async () => {
  show({ mean: null, std: null, median: null, n_counted: 0 });
  await ready("fires on");
  const names = [...host.querySelectorAll(".ss-facts dt")].map((e) => e.textContent);
  expect(names).toContain("max");
  expect(names).not.toContain("mean");
  expect(names).not.toContain("median");
  expect(text()).not.toMatch(/NaN|undefined|null|of 0 tokens/);
});

test("a feature that the source does not hold is told so, not that it never fired", async () => {
  show({ is_known: false, n_fires: 0, density: null, mean: null, std: null, median: null });
  await ready("The source of this index does not hold this feature.");
  expect(text()).toContain(TOLD);
  expect(host.querySelector("b")).toBeNull();
  expect(text()).not.toContain("never fired");
});

test("what is not known of a feature elsewhere is not called silence", () => {
  const brief = { feature: 1, label: "", top_tokens: [], density: 0, max: 0, n_fires: 0, is_known: false };
  expect(firing(brief)).toBe("is not in the source of this index");
  expect(linesOf(brief)).toEqual([["fires", "not known"]]);
  expect(firing({ ...brief, is_known: true })).toBe("has not fired");
  expect(density(Number.NaN)).toBe("–");
  const group = { name: "interval-1", low: 0, high: 1, n_fires: 0, share: null, is_exact: false };
  expect(shareText(group).trim()).toBe("");
});
