import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryPort } from "../src/ports/memory.js";
import { Client, RequestError } from "../src/protocol/client.js";
import type { RequestFrame } from "../src/protocol/generated.js";

const SCOPE = { scope: "s" };

function setUp() {
  const port = new MemoryPort();
  const client = new Client(port);
  const requests = () => port.sent.filter((f) => f["t"] === "request") as unknown as RequestFrame[];
  const rid = (i: number) => requests()[i]?.rid ?? "none";
  return { port, client, requests, rid };
}

/** The code a promise fails with. */
async function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error) => (error instanceof RequestError ? error.code : String(error)),
  );
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("a request", () => {
  test("settles once, with the first end", async () => {
    const { port, client, rid } = setUp();
    const answer = client.request("scope.info", SCOPE);
    port.deliver({ t: "result", rid: rid(0), data: { id: "first" } });
    port.deliver({ t: "result", rid: rid(0), data: { id: "second" } });
    port.deliver({ t: "error", rid: rid(0), error: { code: "x", message: "", hint: "", data: {} } });
    expect((await answer).data.id).toBe("first");
    expect(client.nWaiting).toBe(0);
  });

  test("hands over the buffers", async () => {
    const { port, client, rid } = setUp();
    const answer = client.request("scope.info", SCOPE);
    const view = new DataView(new ArrayBuffer(4));
    port.deliver({ t: "result", rid: rid(0), data: {} }, [view]);
    expect((await answer).buffers[0]).toBe(view);
  });

  test("fails with the code, message and hint of the kernel, and can be asked again", async () => {
    const { port, client, rid } = setUp();
    const first = client.request("scope.info", SCOPE).catch((e) => e);
    port.deliver({
      t: "error",
      rid: rid(0),
      error: { code: "gone", message: "m", hint: "h", data: { a: 1 } },
    });
    expect(await first).toMatchObject({ code: "gone", message: "m", hint: "h", data: { a: 1 } });
    const second = client.request("scope.info", SCOPE);
    port.deliver({ t: "result", rid: rid(1), data: { id: "s" } });
    expect((await second).data.id).toBe("s");
  });

  test("gets its events until it settles, none after", async () => {
    const { port, client, rid } = setUp();
    const seen: unknown[] = [];
    const params = { ...SCOPE, feature: 1 };
    const answer = client.request("examples.list", params, { onEvent: (e) => seen.push(e) });
    port.deliver({ t: "event", rid: rid(0), data: { examples: [] } });
    port.deliver({ t: "result", rid: rid(0), data: { n_examples: 0, groups: [] } });
    port.deliver({ t: "event", rid: rid(0), data: { examples: [] } });
    await answer;
    expect(seen).toHaveLength(1);
  });

  test("is superseded by a newer one in its slot, and late frames are ignored", async () => {
    const { port, client, rid } = setUp();
    const older = code(client.request("scope.info", SCOPE, { slot: "a" }));
    const other = client.request("scope.info", SCOPE, { slot: "b" });
    const newer = client.request("scope.info", SCOPE, { slot: "a" });
    expect(await older).toBe("superseded");
    port.deliver({ t: "result", rid: rid(0), data: { id: "late" } });
    port.deliver({ t: "result", rid: rid(1), data: { id: "other" } });
    port.deliver({ t: "result", rid: rid(2), data: { id: "newer" } });
    expect((await newer).data.id).toBe("newer");
    expect((await other).data.id).toBe("other");
  });

  test("that is aborted sends a cancel and fails quietly", async () => {
    const { port, client, rid } = setUp();
    const life = new AbortController();
    const answer = code(client.request("scope.info", SCOPE, { signal: life.signal }));
    life.abort();
    expect(await answer).toBe("cancelled");
    expect(port.sent.at(-1)).toEqual({ t: "cancel", rid: rid(0) });
  });

  test("that is aborted after its end sends nothing", async () => {
    const { port, client, rid } = setUp();
    const life = new AbortController();
    const answer = client.request("scope.info", SCOPE, { signal: life.signal });
    port.deliver({ t: "result", rid: rid(0), data: {} });
    await answer;
    life.abort();
    expect(port.sent.filter((f) => f["t"] === "cancel")).toEqual([]);
  });
});

describe("a client", () => {
  test("closes with its port and settles everything", async () => {
    const { port, client } = setUp();
    const answers = [client.request("scope.info", SCOPE), client.request("scope.list", {})].map(code);
    port.close();
    expect(await Promise.all(answers)).toEqual(["closed", "closed"]);
    expect(await code(client.request("scope.info", SCOPE))).toBe("closed");
    expect(client.status).toBe("closed");
  });

  test("closes when a frame cannot be sent", async () => {
    const { port, client } = setUp();
    port.send = () => {
      throw new Error("Cannot send");
    };
    expect(await code(client.request("scope.info", SCOPE))).toBe("closed");
  });

  test("is busy after a second without an answer, and ready with the next frame", () => {
    const { port, client } = setUp();
    port.deliver({ t: "hello", protocol: 1, version: "", scopes: [] });
    client.request("scope.info", SCOPE).catch(() => {});
    client.request("scope.list", {}).catch(() => {});
    vi.advanceTimersByTime(900);
    expect(client.status).toBe("ready");
    vi.advanceTimersByTime(200);
    expect([client.status, client.nWaiting]).toEqual(["busy", 2]);
    port.deliver({ t: "notify", topic: "scopes", data: { scopes: [] } });
    expect(client.status).toBe("ready");
  });

  test("shares a port with another: neither rids nor slots meet", () => {
    const port = new MemoryPort();
    for (const client of [new Client(port), new Client(port)])
      client.request("scope.info", SCOPE, { slot: "a" }).catch(() => {});
    const requests = port.sent.filter((f) => f["t"] === "request");
    expect(new Set(requests.map((f) => f["rid"])).size).toBe(2);
    expect(new Set(requests.map((f) => f["slot"])).size).toBe(2);
  });
});

describe("a line that broke and came back", () => {
  const rolls = (port: MemoryPort) => port.sent.filter((f) => f["t"] === "roll");

  test("the kernel is asked after a silence, and not while it speaks", async () => {
    const { port, client, rid } = setUp();
    void client.request("scope.info", SCOPE).catch(() => undefined);
    vi.advanceTimersByTime(4000);
    port.deliver({ t: "event", rid: rid(0), data: {} });
    vi.advanceTimersByTime(4000);
    expect(rolls(port)).toEqual([]);
    vi.advanceTimersByTime(1500);
    expect(rolls(port)).toEqual([{ t: "roll", rids: [rid(0)] }]);
    client.close();
    vi.advanceTimersByTime(60_000);
    expect(rolls(port)).toHaveLength(1);
  });

  test("a request that never arrived is sent anew, once", async () => {
    const { port, client, requests, rid } = setUp();
    const answer = client.request("scope.info", SCOPE, { slot: "s" });
    vi.advanceTimersByTime(5001);
    port.deliver({ t: "roll", rids: [], unknown: [rid(0)], lost: [] });
    expect(requests()).toHaveLength(2);
    expect(requests()[1]).toEqual(requests()[0]);
    port.deliver({ t: "roll", rids: [], unknown: [rid(0)], lost: [] });
    expect(requests()).toHaveLength(2);
    expect(await code(answer)).toBe("lost");
  });

  test("parts that come again are not heard twice", async () => {
    const { port, client, rid } = setUp();
    const heard: unknown[] = [];
    const answer = client.request("examples.list", { scope: "s", feature: 1 } as never, {
      onEvent: (part) => heard.push(part),
    });
    const part = (n: number) => port.deliver({ t: "event", rid: rid(0), data: { n }, n });
    for (const n of [0, 0, 1, 2, 1]) part(n);
    port.deliver({ t: "result", rid: rid(0), data: {} });
    await answer;
    part(3);
    expect(heard).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  });

  test("a request whose answer is gone fails, others go on waiting", async () => {
    const { port, client, rid } = setUp();
    const lost = client.request("scope.info", SCOPE);
    const open = client.request("scope.info", SCOPE);
    port.deliver({ t: "roll", rids: [], unknown: [], lost: [rid(0)] });
    expect(await code(lost)).toBe("lost");
    port.deliver({ t: "result", rid: rid(1), data: { id: "s" } });
    expect((await open).data.id).toBe("s");
    vi.advanceTimersByTime(60_000);
    expect(rolls(port)).toEqual([]);
  });
});

describe("a request that waits for its turn", () => {
  test("tells its place, and can be stopped without those that run", async () => {
    const { port, client, rid } = setUp();
    const running = client.request("scope.info", SCOPE);
    const queued = client.request("scope.info", SCOPE);
    port.deliver({ t: "queued", rid: rid(0), n_before: 0 });
    port.deliver({ t: "queued", rid: rid(1), n_before: 1 });
    expect(client.nBefore).toBe(1);
    client.stopQueued();
    expect(await code(queued)).toBe("cancelled");
    expect(client.nBefore).toBe(0);
    port.deliver({ t: "result", rid: rid(0), data: { id: "s" } });
    expect((await running).data.id).toBe("s");
  });
});
