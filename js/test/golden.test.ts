import { expect, test } from "vitest";
import frames from "../../tests/contract/golden_frames.json";
import { MemoryPort } from "../src/ports/memory.js";
import { Client, RequestError } from "../src/protocol/client.js";
import { PROTOCOL } from "../src/protocol/generated.js";

const golden: { protocol: number; messages: Record<string, Record<string, unknown>> } = frames;

function frame(name: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...golden.messages[name], ...changes };
}

test("speaks the kernel's version of the protocol", () => {
  expect(golden.protocol).toBe(PROTOCOL);
});

test("sends frames with no key that the kernel does not know", () => {
  const port = new MemoryPort();
  const client = new Client(port);
  const life = new AbortController();
  client.request("scope.list", {}, { slot: "a", signal: life.signal }).catch(() => {});
  life.abort();
  const names = { hello: "HelloFrame", request: "RequestFrame", cancel: "CancelFrame" };
  expect(port.sent.map((f) => f["t"])).toEqual(["hello", "request", "cancel"]);
  for (const sent of port.sent) {
    const known = Object.keys(frame(names[sent["t"] as keyof typeof names]));
    expect(known).toEqual(expect.arrayContaining(Object.keys(sent)));
  }
});

test("takes every frame of the kernel", async () => {
  const port = new MemoryPort();
  const client = new Client(port);
  port.deliver(frame("HelloFrame"));
  expect(client.scopes).toEqual(golden.messages["HelloFrame"]?.["scopes"]);
  const heard: unknown[] = [];
  client.onNotify("scopes", (data) => heard.push(data));
  port.deliver(frame("NotifyFrame"));
  expect(heard).toEqual([golden.messages["NotifyFrame"]?.["data"]]);

  const events: unknown[] = [];
  const first = client.request(
    "examples.list",
    { scope: "s", feature: 1 },
    { onEvent: (e) => events.push(e) },
  );
  const rid = port.sent.at(-1)?.["rid"];
  port.deliver(frame("EventFrame", { rid }));
  port.deliver(frame("ResultFrame", { rid }));
  expect((await first).data).toEqual(golden.messages["ResultFrame"]?.["data"]);
  expect(events).toEqual([golden.messages["EventFrame"]?.["data"]]);

  const second = client.request("scope.list", {});
  port.deliver(frame("ErrorFrame", { rid: port.sent.at(-1)?.["rid"] }));
  const failed = await second.catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(RequestError);
  expect(failed).toMatchObject(golden.messages["ErrorFrame"]?.["error"] as object);
});
