import type { Port } from "../protocol/client.js";
import type { BatchFrame } from "../protocol/generated.js";

/**
 * A port whose frames of one task leave as one message, and come as one: a message to a kernel costs
 * more than what is in it. Frames with buffers go by themselves.
 */
export function together(port: Port): Port {
  let queue: object[] = [];
  const flush = () => {
    const frames = queue;
    queue = [];
    if (port.closed.aborted || frames.length === 0) return;
    const [first] = frames;
    try {
      port.send(frames.length === 1 && first ? first : batchOf(frames));
    } catch {
      // the port says itself that it is closed
    }
  };
  return {
    closed: port.closed,
    ...(port.isSnapshot !== undefined && { isSnapshot: port.isSnapshot }),
    send(frame, buffers) {
      if (buffers?.length) {
        flush();
        return port.send(frame, buffers);
      }
      if (queue.push(frame) === 1) queueMicrotask(flush);
    },
    onFrame: (listener) =>
      port.onFrame((frame, buffers) => {
        if (!isBatch(frame)) return listener(frame, buffers);
        let at = 0;
        frame.frames.forEach((one, i) => {
          const n = frame.n_buffers[i] ?? 0;
          listener(one, buffers.slice(at, at + n));
          at += n;
        });
      }),
  };
}

function batchOf(frames: object[]): BatchFrame {
  return { t: "batch", frames: frames as Record<string, unknown>[], n_buffers: [] };
}

function isBatch(frame: unknown): frame is BatchFrame {
  return (frame as { t?: unknown } | null)?.t === "batch";
}
