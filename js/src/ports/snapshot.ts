import type { Port } from "../protocol/client.js";
import type { Example, FeaturePage, RequestFrame, ScopeInfo } from "../protocol/generated.js";

/** What a panel leaves in a notebook; written by `panels/snapshot.py`. */
export interface Snapshot {
  version: number;
  panel: string;
  spec: { scope: string; feature?: number };
  snapshot: {
    info: ScopeInfo;
    window: { n_match: number; n_features: number; rows: Record<string, unknown>[] } | null;
    page: FeaturePage | null;
    examples: Example[];
  };
}

type Answer = { data: object; events?: object[] } | { error: string };

function answer(saved: Snapshot, frame: RequestFrame): Answer {
  const { info, window, page, examples } = saved.snapshot;
  const params = frame.params ?? {};
  switch (frame.method) {
    case "scope.list":
      return { data: { scopes: [info] } };
    case "scope.info":
      return { data: info };
    case "scope.select":
      return { data: {} };
    case "features.window": {
      const offset = Number(params["offset"] ?? 0);
      const rows = window?.rows.slice(offset, offset + Number(params["count"] ?? 0)) ?? [];
      const n = window?.rows.length ?? 0;
      return { data: { offset, count: rows.length, n_match: n, n_features: window?.n_features ?? 0, rows } };
    }
    case "features.locate": {
      const row = window?.rows.findIndex((r) => r["feature"] === params["feature"]) ?? -1;
      return { data: { row: row < 0 ? null : row } };
    }
    case "feature.get":
      return page && page.feature === params["feature"]
        ? { data: page }
        : { error: "only the saved feature is here" };
    case "examples.list":
      return page && page.feature === params["feature"] && (params["group"] ?? "top") === "top"
        ? { data: { n_examples: examples.length, groups: ["top"] }, events: [{ examples }] }
        : { error: "only the saved examples are here" };
    default:
      return { error: "this needs the kernel" };
  }
}

/** A port that answers from what was saved, with no kernel. */
export function snapshotPort(saved: Snapshot, signal: AbortSignal): Port {
  const listeners = new Set<(frame: unknown, buffers: DataView[]) => void>();
  const deliver = (frame: object) => {
    for (const listener of [...listeners]) listener(frame, []);
  };
  const reply = (frame: RequestFrame) => {
    const found = answer(saved, frame);
    if ("error" in found) {
      const error = {
        code: "snapshot",
        message: `This is a snapshot: ${found.error}.`,
        hint: "Run the cell to go live.",
        data: {},
      };
      return deliver({ t: "error", rid: frame.rid, error });
    }
    for (const data of found.events ?? []) deliver({ t: "event", rid: frame.rid, data });
    deliver({ t: "result", rid: frame.rid, data: found.data });
  };
  return {
    closed: signal,
    isSnapshot: true,
    send(frame) {
      const sent = frame as RequestFrame | { t: "hello" } | { t: "cancel" };
      queueMicrotask(() => {
        if (sent.t === "hello")
          deliver({ t: "hello", protocol: 1, version: "", scopes: [saved.snapshot.info] });
        if (sent.t === "request") reply(sent);
      });
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
