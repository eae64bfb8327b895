import { together } from "../src/ports/together.js";
import type { Port } from "../src/protocol/client.js";
import { PROTOCOL, type ScopeInfo } from "../src/protocol/generated.js";

/** A line to `tools/dev_server.py`, and the scopes it told of; nothing where no server answers. */
export async function linePort(): Promise<{ port: Port; scopes: ScopeInfo[] } | undefined> {
  const socket = new WebSocket(`ws://${location.host}/line`);
  socket.binaryType = "arraybuffer";
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
  if (!isOpen) return undefined;
  const gone = new AbortController();
  const listeners = new Set<(frame: unknown, buffers: DataView[]) => void>();
  let greet: (scopes: ScopeInfo[]) => void = () => {};
  const first = new Promise<ScopeInfo[]>((resolve) => {
    greet = resolve;
  });
  socket.onclose = () => gone.abort();
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const nHead = new DataView(data).getUint32(0, true);
    const { frame, sizes } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, nHead))) as {
      frame: { t: string; scopes: ScopeInfo[] };
      sizes: number[];
    };
    let at = 4 + nHead;
    const buffers = sizes.map((size) => {
      // aligned, as JupyterLab's are
      const view = new DataView(data.slice(at, at + size));
      at += size;
      return view;
    });
    if (frame.t === "hello") greet(frame.scopes);
    for (const listener of [...listeners]) listener(frame, buffers);
  };
  const port: Port = together({
    closed: gone.signal,
    send: (frame) => socket.send(JSON.stringify(frame)),
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  port.send({ t: "hello", protocol: PROTOCOL, version: "", scopes: [] });
  return { port, scopes: await first };
}
