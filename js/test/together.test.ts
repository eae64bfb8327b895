import { expect, test } from "vitest";
import { MemoryPort } from "../src/ports/memory.js";
import { together } from "../src/ports/together.js";

const tick = () => new Promise((resolve) => setTimeout(resolve));

test("frames of one task leave as one, in their order; one alone leaves as it is", async () => {
  const port = new MemoryPort();
  const line = together(port);
  line.send({ n: 1 });
  line.send({ n: 2 });
  expect(port.sent).toEqual([]);
  await tick();
  expect(port.sent).toEqual([{ t: "batch", frames: [{ n: 1 }, { n: 2 }], n_buffers: [] }]);
  line.send({ n: 3 });
  await tick();
  expect(port.sent.at(-1)).toEqual({ n: 3 });
});

test("a frame with buffers goes by itself, after those before it", () => {
  const port = new MemoryPort();
  const line = together(port);
  line.send({ n: 1 });
  line.send({ n: 2 }, [new ArrayBuffer(4)]);
  expect(port.sent).toEqual([{ n: 1 }, { n: 2 }]);
});

test("a batch is heard frame by frame, each with its buffers", () => {
  const port = new MemoryPort();
  const heard: [unknown, number[]][] = [];
  together(port).onFrame((frame, buffers) => heard.push([frame, buffers.map((b) => b.byteLength)]));
  const views = [4, 8, 12].map((n) => new DataView(new ArrayBuffer(n)));
  port.deliver({ t: "batch", frames: [{ n: 1 }, { n: 2 }, { n: 3 }], n_buffers: [1, 0, 2] }, views);
  port.deliver({ t: "notify", n: 4 });
  expect(heard).toEqual([
    [{ n: 1 }, [4]],
    [{ n: 2 }, []],
    [{ n: 3 }, [8, 12]],
    [{ t: "notify", n: 4 }, []],
  ]);
});

test("a line that is gone is sent nothing, and one that fails says so itself", async () => {
  const port = new MemoryPort();
  const line = together(port);
  line.send({ n: 1 });
  port.close();
  await tick();
  expect(port.sent).toEqual([]);
  const broken = together({
    ...port,
    closed: new AbortController().signal,
    onFrame: () => () => {},
    send: () => {
      throw new Error("gone");
    },
  });
  broken.send({ n: 1 });
  await tick();
});
