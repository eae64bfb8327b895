import type { Port } from "../protocol/client.js";
import { together } from "./together.js";

/** What of an anywidget model a port needs. */
export interface WidgetModel {
  get(name: string): unknown;
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: "msg:custom", listener: (content: unknown, buffers: DataView[]) => void): void;
  on(event: string, listener: (...args: unknown[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
}

/** A port over the messages of a widget; closes when the kernel is gone or the signal aborts. */
export function widgetPort(model: WidgetModel, signal: AbortSignal): Port {
  const gone = new AbortController();
  const send: Port["send"] = (frame, buffers) => {
    try {
      model.send(frame, undefined, buffers);
    } catch (error) {
      gone.abort();
      throw error;
    }
  };
  const onLive = () => {
    try {
      send({ t: "cancel", rid: "" });
    } catch {
      gone.abort();
    }
  };
  model.on("comm_live_update", onLive);
  signal.addEventListener(
    "abort",
    () => {
      model.off("comm_live_update", onLive);
      gone.abort();
    },
    { once: true },
  );
  return together({
    closed: gone.signal,
    send,
    onFrame(listener) {
      model.on("msg:custom", listener);
      return () => model.off("msg:custom", listener);
    },
  });
}
