import type { PanelSpec } from "../panels/panel.js";
import type { Port } from "../protocol/client.js";
import { PROTOCOL, type RequestFrame, type ScopeInfo } from "../protocol/generated.js";

/** The answer to a request, as `panels/snapshot.py` recorded it. */
export interface Recorded {
  method: string;
  params: Record<string, unknown>;
  data: Record<string, unknown>;
  events: Record<string, unknown>[];
  /** Base64. */
  buffers: string[];
}

/** What a panel leaves in a notebook; written by `panels/snapshot.py`. */
export interface Snapshot {
  version: number;
  panel: string;
  spec: PanelSpec;
  info: ScopeInfo;
  answers: Recorded[];
}

/** Parameters that tell one answer from another; all else of a request may differ from what was recorded. */
const TELLING = [
  ...["feature", "features", "group", "metric", "method", "without", "also", "within"],
  ...["text", "tokens", "target", "contrast", "kind"],
];
const DEFAULTS: Record<string, unknown> = { group: "top", metric: "decoder" };
/** What needs no kernel, and changes nothing. */
const QUIET: Record<string, object> = {
  "scope.select": {},
  "scope.selection": { feature: null, picked: null, text: null },
  "panel.save": {},
  "panel.load": { state: {} },
};

function find(saved: Snapshot, { method, params = {} }: RequestFrame): Recorded | undefined {
  const of = (p: Record<string, unknown>, name: string) => JSON.stringify(p[name] ?? DEFAULTS[name] ?? null);
  const told = (a: Recorded) => TELLING.filter((name) => name in a.params);
  return saved.answers.find(
    (a) => a.method === method && told(a).every((name) => of(a.params, name) === of(params, name)),
  );
}

/** A port that answers from what was saved, with no kernel. */
export function snapshotPort(saved: Snapshot, signal: AbortSignal): Port {
  const listeners = new Set<(frame: unknown, buffers: DataView[]) => void>();
  const deliver = (frame: object, buffers: DataView[] = []) => {
    for (const listener of [...listeners]) listener(frame, buffers);
  };
  const reply = (frame: RequestFrame) => {
    const { rid, method } = frame;
    if (method === "scope.info") return deliver({ t: "result", rid, data: saved.info });
    const quiet = QUIET[method];
    if (quiet) return deliver({ t: "result", rid, data: quiet });
    const found = find(saved, frame);
    if (!found) {
      const message = "This is a snapshot: what you ask for was not saved.";
      const error = { code: "snapshot", message, hint: "Run the cell to go live.", data: {} };
      return deliver({ t: "error", rid, error });
    }
    for (const data of found.events) deliver({ t: "event", rid, data });
    const buffers = found.buffers.map(
      (b) => new DataView(Uint8Array.from(atob(b), (c) => c.charCodeAt(0)).buffer),
    );
    deliver({ t: "result", rid, data: whole(found) }, buffers);
  };
  return {
    closed: signal,
    isSnapshot: true,
    send(frame) {
      const sent = frame as RequestFrame | { t: "hello" } | { t: "cancel" };
      queueMicrotask(() => {
        if (sent.t === "hello")
          deliver({ t: "hello", protocol: PROTOCOL, version: "", scopes: [saved.info] });
        if (sent.t === "request") reply(sent);
      });
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Of a table that was saved in part, the part is all there is. */
function whole({ method, data }: Recorded): Record<string, unknown> {
  return method === "features.window" ? { ...data, n_match: data["count"] } : data;
}
