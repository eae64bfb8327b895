import { expect, test } from "vitest";
import golden from "../../tests/contract/calls.json";
import { type Args, called, callText, named, nested, pairs, tuple } from "../src/data/call.js";

interface Golden {
  method: string;
  args: Args;
  text: string;
}

const CALLS = golden as unknown as Golden[];

test.each(CALLS)("$method is written as Python does: $text", ({ method, args, text }) => {
  expect(callText({ method, args })).toBe(text);
});

test("tuples, mappings of numbers and calls within calls are JSON", () => {
  expect(tuple(5, 6)).toEqual({ "()": [5, 6] });
  expect(pairs([[7, 2]])).toEqual({ "{}": [[7, 2]] });
  expect(nested("saescope.Rule", { n_skipped: 0 })).toEqual({ "saescope.Rule": { n_skipped: 0 } });
});

test("an argument that is undefined is left out, and the text is made of the calls", () => {
  const { calls, code } = called((feature: number) => [
    { method: "neighbors", args: { feature, k: undefined } },
    { method: "circuit", args: { feature, text: undefined } },
  ]);
  expect(code(3)).toBe("scope.neighbors(3)\nscope.circuit(3)");
  expect(calls(3)).toHaveLength(2);
});

test("a call is named after the notebook's variable, and texts in it stay as they are", () => {
  const code = 'scope.ablate("the scope.of \\"scope\\"", only=scope.picked)\nx.scope; saescope.load(1)';
  expect(named(code, "mine")).toBe(
    'mine.ablate("the scope.of \\"scope\\"", only=mine.picked)\nx.scope; saescope.load(1)',
  );
  expect(named(code, "")).toBe(code);
  expect(named("scope.show(1)", "$&")).toBe("$&.show(1)");
});
