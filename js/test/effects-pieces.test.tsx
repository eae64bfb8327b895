import { render } from "preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { tuple } from "../src/data/call.js";
import { blend, contrast, type Rgb } from "../src/data/shade.js";
import { MemoryPort } from "../src/ports/memory.js";
import { Client } from "../src/protocol/client.js";
import type { NextTokens } from "../src/protocol/generated.js";
import { type Aim, aimArgs, offersOf, textParams } from "../src/views/effects/aim.js";
import { EffectBar } from "../src/views/effects/EffectBar.js";
import { Moved } from "../src/views/effects/Moved.js";
import { SignedText } from "../src/views/effects/SignedText.js";
import { change, FALL, MOST, probability, RISE, strengthOf, visible } from "../src/views/effects/signed.js";
import { TargetPicker } from "../src/views/effects/TargetPicker.js";
import css from "../src/views/style.generated.js";

let host: HTMLElement;
beforeEach(() => {
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
});

const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
const press = (node: Element, key: string) =>
  node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

describe("signed numbers", () => {
  test("have a sign, and noise has none", () => {
    expect([
      change(-2.561),
      change(0.21),
      change(1e-7),
      change(-0),
      change(null),
      change(Number.NaN),
    ]).toEqual(["−2.56", "+0.210", "0", "0", "–", "–"]);
    expect([probability(0.62), probability(0.003), probability(4e-7), probability(0.99999)]).toEqual([
      "0.62",
      "0.0030",
      "4e−7",
      "1.00",
    ]);
    expect([visible(" San"), visible("\n"), visible("  "), visible("")]).toEqual([" San", "⏎", "␣␣", "␣"]);
    expect([strengthOf(-25, 100), strengthOf(200, 100), strengthOf(null, 1), strengthOf(1, 0)]).toEqual([
      0.5, 1, 0, 0,
    ]);
  });

  const themes: [string, Rgb, Rgb, number][] = [
    ["light", [255, 255, 255], [0, 0, 0], 0.87],
    ["dark", [17, 17, 17], [255, 255, 255], 1],
    ["dark side bar", [33, 33, 33], [255, 255, 255], 1],
  ];
  test.each(themes)("keep text readable on every shade in the %s theme", (_name, back, text, alpha) => {
    for (const hue of [FALL, RISE]) {
      for (let step = 0; step <= 20; step++) {
        const under = blend(hue, back, (step / 20) * MOST);
        expect(contrast(blend(text, under, alpha), under)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  test("are painted with the hues that are tested here", () => {
    const flat = css.replaceAll(" ", "");
    expect(flat).toContain(`--ss-fall:rgb(${FALL.join(",")})`);
    expect(flat).toContain(`--ss-rise:rgb(${RISE.join(",")})`);
    expect(flat).toContain(`--ss-signed-most:${MOST * 100}%`);
  });
});

describe("a text with signed numbers", () => {
  const tokens = [
    { text: "The", value: null, isQuiet: true },
    { text: " city", value: -1.5, isMarked: true },
    { text: " <b>of</b>", value: 0.4 },
  ];
  const draw = (choose?: (pos: number | undefined) => void, chosen?: number) =>
    render(
      <SignedText
        tokens={tokens}
        quantity="Δ log p"
        unit="nats"
        label="Text"
        {...(choose ? { choose } : {})}
        chosen={chosen}
      />,
      host,
    );

  test("shades falls and rises apart, and shows a token's text as text", () => {
    draw();
    expect(
      all(".ss-shade").map((n) => [n.className.trim(), n.style.getPropertyValue("--ss-strength")]),
    ).toEqual([
      ["ss-shade ss-fall ss-shade-changed", "1.000"],
      ["ss-shade ss-rise", "0.516"],
    ]);
    expect(host.querySelector("b")).toBeNull();
    expect(host.textContent).toContain("The city <b>of</b>");
  });

  test("is walked by arrow keys, which say the number, and Enter chooses", async () => {
    const chosen = vi.fn();
    draw(chosen);
    const text = all(".ss-signed")[0] as HTMLElement;
    press(text, "ArrowRight");
    await vi.waitFor(() => expect(all(".ss-unseen")[0]?.textContent).toBe("The: no value nats"));
    press(text, "ArrowRight");
    await vi.waitFor(() => expect(all(".ss-unseen")[0]?.textContent).toBe(" city: −1.50 nats"));
    press(text, "Enter");
    expect(chosen).toHaveBeenLastCalledWith(1);
    draw(chosen, 1);
    all("[data-i='1']")[0]?.click();
    expect(chosen).toHaveBeenLastCalledWith(undefined);
  });
});

test("a bar goes to the side of its sign, with the control and the interval on the same scale", () => {
  render(
    <EffectBar value={-1} top={2} method="estimate" control={0.5} interval={[-1.5, -0.5]} unit="nats" />,
    host,
  );
  const fill = all(".ss-effect-fill")[0] as HTMLElement;
  expect([fill.className.trim(), fill.style.left, fill.style.width]).toEqual([
    "ss-effect-fill ss-fall",
    "25%",
    "25%",
  ]);
  expect(all(".ss-effect-control")[0]?.style.left).toBe("62.5%");
  expect(all(".ss-effect-whisker")[0]?.style.left).toBe("12.5%");
  expect(host.textContent).toBe("−1.00 natsestimate");
  render(<EffectBar value={null} top={0} />, host);
  expect(host.textContent).toBe("–");
});

test("moved tokens are drawn before and after, and one that did not rise is not raised", () => {
  const row = (token: number, text: string, before: number, after: number) => ({
    token,
    text,
    raw: text,
    before,
    after,
  });
  render(
    <Moved
      lowered={[row(1, " San", 0.62, 0.08)]}
      raised={[row(2, " Los", 0.04, 0.25), row(3, " x", 0.1, 0.1)]}
      target={1}
    />,
    host,
  );
  expect(all(".ss-moved-row").map((r) => r.textContent)).toEqual([" San0.62 → 0.08", " Los0.04 → 0.25"]);
  expect(all(".ss-moved-target")).toHaveLength(1);
  expect(all(".ss-moved-row")[0]?.querySelector<HTMLElement>(".ss-moved-kept")?.style.width).toBe("12.90%");
});

const one = (token: number, text: string, p: number) => ({ token, text, raw: text, probability: p });
const NEXT: NextTokens = {
  likeliest: [one(5, " San", 0.6), one(6, " Los", 0.1)],
  typed: [
    { text: "San Francisco", pieces: ["San", " Francisco"], first: one(9, "San", 0.001) },
    { text: " San Francisco", pieces: [" San", " Francisco"], first: one(5, " San", 0.6) },
  ],
};

test("what is typed comes first, several tokens as their first, and nothing twice", () => {
  expect(offersOf(NEXT, "San Francisco").map((o) => [o.token.token, o.about !== ""])).toEqual([
    [5, true],
    [9, true],
  ]);
  expect(offersOf({ ...NEXT, typed: [] }, "lo").map((o) => o.token.token)).toEqual([6]);
  expect(textParams({ text: "a", tokens: [1, 2] })).toEqual({ tokens: [1, 2] });
  expect(textParams({ text: "a" })).toEqual({ text: "a" });
  expect(aimArgs({})).toEqual({});
  const both = { target: { token: 5, text: " San" }, contrast: { token: 6, text: " Los" } };
  expect(aimArgs(both)).toEqual({ target: tuple(5, 6) });
});

test("a target is picked by keys from what the model expects, and a contrast after it", async () => {
  const port = new MemoryPort((frame, from) => {
    if (frame["t"] !== "request") return;
    const { typed } = frame["params"] as { typed?: string };
    from.deliver({ t: "result", rid: frame["rid"], data: typed ? NEXT : { ...NEXT, typed: [] } });
  });
  const client = new Client(port);
  let aim: Aim = {};
  const draw = () =>
    render(
      <TargetPicker
        client={client}
        info={infoOf(8)}
        text={{ text: "in the city of" }}
        aim={aim}
        change={(next) => {
          aim = next;
          draw();
        }}
        expected=" San"
      />,
      host,
    );
  draw();
  const box = () => all("input")[0] as HTMLInputElement;
  expect(all("input")).toHaveLength(1);
  expect(box().placeholder).toBe(" San");
  box().focus();
  await vi.waitFor(() => expect(all("[role=option]")).toHaveLength(2));
  press(box(), "ArrowDown");
  await vi.waitFor(() => expect(all("[role=option]")[1]?.getAttribute("aria-selected")).toBe("true"));
  press(box(), "Enter");
  await vi.waitFor(() => expect(aim.target).toEqual({ token: 6, text: " Los" }));
  await vi.waitFor(() => expect(all("input")).toHaveLength(2));
  box().value = "San Francisco";
  box().dispatchEvent(new InputEvent("input", { bubbles: true }));
  await vi.waitFor(() => expect(host.textContent).toContain("the first of 2 tokens"));
  press(box(), "Enter");
  await vi.waitFor(() => expect(aim.target?.token).toBe(5));
  client.close();
});
