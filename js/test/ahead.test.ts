import { expect, test, vi } from "vitest";
import { Ahead } from "../src/data/ahead.js";

const later = <T>() => {
  let give: (value: T) => void = () => {};
  let refuse: (error: unknown) => void = () => {};
  const end = new Promise<T>((resolve, reject) => {
    give = resolve;
    refuse = reject;
  });
  return { end, give, refuse };
};

test("asks once, and has the answer at hand when it is there", async () => {
  const ahead = new Ahead<number>();
  const ask = vi.fn(async () => 7);
  expect(ahead.value("a")).toBeUndefined();
  expect(ahead.answer("a")).toBeUndefined();
  const ends = [ahead.ask("a", ask), ahead.ask("a", ask)];
  expect(await Promise.all(ends)).toEqual([7, 7]);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(ahead.value("a")).toBe(7);
});

test("does not keep failures", async () => {
  const ahead = new Ahead<number>();
  await expect(ahead.ask("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(ahead.answer("a")).toBeUndefined();
  expect(await ahead.ask("a", async () => 1)).toBe(1);
});

test("expects one at a time, and of those that wait the last", async () => {
  const ahead = new Ahead<string>();
  const first = later<string>();
  const asked: string[] = [];
  const expecting = (key: string, end: Promise<string>) =>
    ahead.expect(key, () => {
      asked.push(key);
      return end;
    });
  expecting("a", first.end);
  expecting("b", Promise.resolve("b"));
  expecting("c", Promise.resolve("c"));
  expect(asked).toEqual(["a"]);
  first.refuse(new Error("superseded"));
  await vi.waitFor(() => expect(asked).toEqual(["a", "c"]));
  await vi.waitFor(() => expect(ahead.value("c")).toBe("c"));
});

test("forgets what was used longest ago", async () => {
  const ahead = new Ahead<number>();
  for (let i = 0; i < 32; i++) await ahead.ask(`${i}`, async () => i);
  await ahead.ask("0", async () => -1);
  await ahead.ask("32", async () => 32);
  expect([ahead.value("0"), ahead.value("1"), ahead.value("32")]).toEqual([0, undefined, 32]);
});
