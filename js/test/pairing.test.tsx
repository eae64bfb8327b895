import { render } from "preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { MemoryPort } from "../src/ports/memory.js";
import { Client } from "../src/protocol/client.js";
import type { PairingDetails, PairingInfo } from "../src/protocol/generated.js";
import { PairingBadge } from "../src/views/pairing/PairingBadge.js";
import { percent, points, shown } from "../src/views/pairing/words.js";

let host: HTMLElement;
beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
});

function infoWith(part: Partial<PairingInfo>): PairingInfo {
  const blank = {
    verdict: "",
    headline: "",
    figure: "",
    done: 0,
    total: 0,
    step: "",
    can_start: true,
  } as const;
  return { state: "done", ...blank, ...part };
}

const FIGURES = { explained_variance: 0.723, l0: 35, n: 252, recovered: 0.9, recovered_zero: null };

function details(info: PairingInfo): PairingDetails {
  const trial = {
    kind: "layer",
    what: "at <b>x</b>",
    figures: FIGURES,
    gain: 0.05,
    error: 0.002,
    code: "load(x)",
  };
  return {
    info,
    failure: "",
    untold: "",
    loaded: FIGURES,
    control: { ...FIGURES, explained_variance: -3 },
    published: null,
    source: "",
    drift: 0.03,
    reasons: [{ key: "layer", name: "site off by one?", text: "At <i>x</i> it is more." }],
    trials: [
      { ...trial, is_better: true },
      ...[1, 2, 3, 4].map((n) => ({ ...trial, what: `${n}`, gain: -n, is_better: false })),
    ],
    code: "saescope.load('m', correct={'hook_name': 'x'})",
    text: "a text",
    seconds: 1,
  };
}

async function drawn(pairing: PairingInfo): Promise<string[]> {
  const asked: string[] = [];
  const port = new MemoryPort((frame, own) => {
    if (frame["t"] !== "request") return;
    const { rid, method } = frame as { rid: string; method: string };
    asked.push(method);
    own.deliver({ t: "result", rid, data: method === "pairing.get" ? details(pairing) : {} });
  });
  const client = new Client(port);
  render(<PairingBadge client={client} info={{ ...infoOf(64), pairing }} />, host);
  await vi.waitFor(() => expect(host.querySelector("button")).not.toBeNull());
  return asked;
}

test("a badge is a shape and words, and its box tells figures, cause and the call", async () => {
  await drawn(infoWith({ verdict: "doubtful", headline: "in doubt: site off by one?" }));
  const badge = host.querySelector<HTMLButtonElement>(".ss-pairing-badge");
  expect(badge?.textContent).toBe("▲pairing in doubt: site off by one?");
  badge?.click();
  await vi.waitFor(() => expect(host.querySelector("table")).not.toBeNull());
  const text = host.textContent ?? "";
  for (const part of [
    "72.3",
    "below −100",
    "At <i>x</i> it is more.",
    "correct={'hook_name': 'x'}",
    "better: at <b>x</b>",
    "+5.0 ± 0.2",
  ])
    expect(text).toContain(part);
  expect(host.querySelectorAll("i, td b")).toHaveLength(0);
  host
    .querySelector('[role="dialog"]')
    ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  await vi.waitFor(() => expect(host.querySelector("table")).toBeNull());
});

test("what was not checked is checked, once, where that takes seconds", async () => {
  const asked = await drawn(infoWith({ state: "none" }));
  await vi.waitFor(() => expect(asked).toEqual(["pairing.start"]));
  expect(await drawn(infoWith({ state: "none", can_start: false }))).toEqual([]);
});

test("a check under way says how far it is, and can be stopped", async () => {
  const asked = await drawn(infoWith({ state: "running", done: 3, total: 6, step: "Trying BOS" }));
  host.querySelector<HTMLButtonElement>(".ss-pairing-badge")?.click();
  await vi.waitFor(() =>
    expect(host.querySelector('[role="progressbar"]')?.getAttribute("aria-valuenow")).toBe("50"),
  );
  [...host.querySelectorAll("button")].find((b) => b.textContent === "Stop")?.click();
  await vi.waitFor(() => expect(asked).toEqual(["pairing.stop"]));
});

test("figures are told with sign and unit", () => {
  expect([percent(0.7912), percent(-0.05), percent(-3), percent(null)]).toEqual([
    "79.1\u2009%",
    "−5.0\u2009%",
    "below −100\u2009%",
    "–",
  ]);
  expect([points(0.0123, 0.004), points(-0.2, null), points(-9, null)]).toEqual([
    "+1.2 ± 0.4",
    "−20.0",
    "below −100",
  ]);
  expect(shown(infoWith({ verdict: "fits", headline: "fits" })).word).toBe("pairing fits");
});
