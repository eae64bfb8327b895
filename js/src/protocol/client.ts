import type {
  CancelFrame,
  ErrorFrame,
  ErrorInfo,
  EventFrame,
  HelloFrame,
  Methods,
  NotifyFrame,
  QueuedFrame,
  RequestFrame,
  ResultFrame,
  RollFrame,
  ScopeInfo,
  ScopeList,
} from "./generated.js";
import { PROTOCOL } from "./generated.js";

/** A line to a kernel: frames with binary buffers, and a signal that aborts when the line is gone. */
export interface Port {
  send(frame: object, buffers?: ArrayBuffer[]): void;
  onFrame(listener: (frame: unknown, buffers: DataView[]) => void): () => void;
  readonly closed: AbortSignal;
  readonly isSnapshot?: boolean;
}

/** A request that did not succeed, with what to do about it. */
export class RequestError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly data: Record<string, unknown>;

  constructor(info: ErrorInfo) {
    super(info.message);
    this.name = "RequestError";
    this.code = info.code;
    this.hint = info.hint;
    this.data = info.data;
  }
}

export interface Reply<M extends keyof Methods> {
  data: Methods[M]["result"];
  buffers: DataView[];
}

export interface RequestOptions<M extends keyof Methods> {
  /** A newer request in the same slot takes the place of the older. */
  slot?: string;
  onEvent?: (event: Methods[M]["event"]) => void;
  signal?: AbortSignal;
  /** Known to take its time: that it waits does not mean that the kernel is busy with something else. */
  isLong?: boolean;
}

/** `busy`: something has waited for over a second. */
export type Status = "connecting" | "ready" | "busy" | "closed" | "snapshot";

type FromKernel = HelloFrame | EventFrame | ResultFrame | ErrorFrame | NotifyFrame | QueuedFrame | RollFrame;

interface Waiting {
  frame: RequestFrame;
  /** How many requests the kernel said run or wait before it. */
  nBefore: number;
  /** Partial answers heard: what comes again is not heard twice. */
  nHeard: number;
  isSentAgain: boolean;
  slot: string | undefined;
  isLong: boolean;
  onEvent: ((event: Record<string, unknown>) => void) | undefined;
  succeed: (data: Record<string, unknown>, buffers: DataView[]) => void;
  fail: (error: RequestError) => void;
}

type NotifyListener = (data: Record<string, unknown>) => void;

const BUSY_AFTER_MS = 1000;
/** After so long a silence the kernel is asked whether it still works on what is waited for. */
const ROLL_AFTER_MS = 5000;
const ROLL_AGAIN_MS = 20_000;
const QUIET_CODES = new Set(["superseded", "cancelled", "closed"]);

/** Whether an error only says that nobody wants the answer any more. */
export function isQuiet(error: unknown): boolean {
  return error instanceof RequestError && QUIET_CODES.has(error.code);
}

/** Any thrown thing as a `RequestError`. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  return failure("internal", error instanceof Error ? error.message : String(error));
}

function failure(code: string, message: string): RequestError {
  return new RequestError({ code, message, hint: "", data: {} });
}

/** Asks a kernel and settles each request exactly once. */
export class Client {
  readonly #port: Port;
  readonly #prefix = Math.random().toString(36).slice(2, 10);
  readonly #waiting = new Map<string, Waiting>();
  readonly #slots = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  readonly #notified = new Map<string, Set<NotifyListener>>();
  readonly #off: () => void;
  #count = 0;
  #status: Status = "connecting";
  #scopes: ScopeInfo[] = [];
  #busyTimer: ReturnType<typeof setTimeout> | undefined;
  #rollTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: Port) {
    this.#port = port;
    this.#off = port.onFrame((frame, buffers) => this.#receive(frame as FromKernel, buffers));
    if (port.closed.aborted) this.close();
    port.closed.addEventListener("abort", () => this.close(), { once: true });
    this.#send({ t: "hello", protocol: PROTOCOL, version: "", scopes: [] });
    this.#watch();
  }

  get status(): Status {
    return this.#status;
  }

  get nWaiting(): number {
    return [...this.#waiting.values()].filter((waiting) => !waiting.isLong).length;
  }

  /** How many requests run or wait before those of this page that wait for their turn. */
  get nBefore(): number {
    return Math.max(0, ...[...this.#waiting.values()].map((waiting) => waiting.nBefore));
  }

  /** Stop what waits for its turn. */
  stopQueued(): void {
    for (const [rid, waiting] of [...this.#waiting]) if (waiting.nBefore) this.#cancel(rid);
  }

  get scopes(): ScopeInfo[] {
    return this.#scopes;
  }

  /** Hear of changes of status, of the number of waiting requests, and of the scopes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onNotify(topic: NotifyFrame["topic"], listener: NotifyListener): () => void {
    const listeners = this.#notified.get(topic) ?? new Set();
    this.#notified.set(topic, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  request<M extends keyof Methods>(
    method: M,
    params: Methods[M]["params"],
    options: RequestOptions<M> = {},
  ): Promise<Reply<M>> {
    const { onEvent, signal, isLong = false } = options;
    const slot = options.slot === undefined ? undefined : `${this.#prefix}/${options.slot}`;
    return new Promise((resolve, reject) => {
      if (this.#status === "closed") return reject(failure("closed", "The kernel is gone."));
      if (signal?.aborted) return reject(failure("cancelled", "Stopped."));
      const rid = `${this.#prefix}-${++this.#count}`;
      const abort = () => this.#cancel(rid);
      const settle = () => signal?.removeEventListener("abort", abort);
      const asked: RequestFrame = { t: "request", rid, method, params: params as Record<string, unknown> };
      const frame = slot === undefined ? asked : { ...asked, slot };
      this.#waiting.set(rid, {
        frame,
        nBefore: 0,
        nHeard: 0,
        isSentAgain: false,
        slot,
        isLong,
        onEvent: onEvent as ((event: Record<string, unknown>) => void) | undefined,
        succeed: (data, buffers) => {
          settle();
          resolve({ data: data as unknown as Methods[M]["result"], buffers });
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      });
      signal?.addEventListener("abort", abort, { once: true });
      const older = slot === undefined ? undefined : this.#slots.get(slot);
      if (slot !== undefined) this.#slots.set(slot, rid);
      if (older !== undefined)
        this.#take(older)?.fail(failure("superseded", "A newer request took its place."));
      this.#send(frame);
      this.#watch();
      this.#listen(ROLL_AFTER_MS);
      this.#tell();
    });
  }

  /** Settle all that waits; nothing is sent any more. */
  close(): void {
    if (this.#status === "closed") return;
    this.#off();
    clearTimeout(this.#busyTimer);
    clearTimeout(this.#rollTimer);
    this.#status = "closed";
    for (const rid of [...this.#waiting.keys()])
      this.#take(rid)?.fail(failure("closed", "The kernel is gone."));
    this.#tell();
  }

  #cancel(rid: string): void {
    const waiting = this.#take(rid);
    if (!waiting) return;
    const frame: CancelFrame = { t: "cancel", rid };
    this.#send(frame);
    waiting.fail(failure("cancelled", "Stopped."));
    this.#tell();
  }

  #take(rid: string): Waiting | undefined {
    const waiting = this.#waiting.get(rid);
    this.#waiting.delete(rid);
    if (waiting?.slot !== undefined && this.#slots.get(waiting.slot) === rid)
      this.#slots.delete(waiting.slot);
    return waiting;
  }

  #send(frame: object): void {
    try {
      this.#port.send(frame);
    } catch {
      this.close();
    }
  }

  #receive(frame: FromKernel, buffers: DataView[]): void {
    this.#heard();
    switch (frame.t) {
      case "hello":
        this.#scopes = frame.scopes;
        break;
      case "notify":
        if (frame.topic === "scopes") this.#scopes = (frame.data as unknown as ScopeList).scopes;
        for (const listener of this.#notified.get(frame.topic) ?? []) listener(frame.data);
        break;
      case "event":
        this.#hearPart(frame);
        return;
      case "queued": {
        const waiting = this.#waiting.get(frame.rid);
        if (waiting) waiting.nBefore = frame.n_before;
        break;
      }
      case "roll":
        this.#answerRoll(frame);
        break;
      case "result":
        this.#take(frame.rid)?.succeed(frame.data, buffers);
        break;
      case "error":
        this.#take(frame.rid)?.fail(new RequestError(frame.error));
        break;
    }
    this.#tell();
  }

  #hearPart({ rid, data, n }: EventFrame): void {
    const waiting = this.#waiting.get(rid);
    if (!waiting || (n !== undefined && n < waiting.nHeard)) return;
    waiting.nHeard = (n ?? waiting.nHeard) + 1;
    waiting.onEvent?.(data);
  }

  /** What never arrived is sent anew, once; what was answered and is gone fails. */
  #answerRoll({ unknown, lost }: RollFrame): void {
    for (const rid of [...unknown, ...lost]) {
      const waiting = this.#waiting.get(rid);
      if (!waiting) continue;
      if (unknown.includes(rid) && !waiting.isSentAgain) {
        waiting.isSentAgain = true;
        this.#send(waiting.frame);
      } else {
        this.#take(rid)?.fail(failure("lost", "The answer was lost on the way: ask again."));
      }
    }
  }

  /** Call the roll if nothing is heard for a while: a line that broke and came back may have lost frames. */
  #listen(after_ms: number): void {
    clearTimeout(this.#rollTimer);
    this.#rollTimer = undefined;
    if (this.#port.isSnapshot || this.#waiting.size === 0 || this.#status === "closed") return;
    this.#rollTimer = setTimeout(() => {
      if (this.#waiting.size === 0) return;
      const roll: Partial<RollFrame> = { t: "roll", rids: [...this.#waiting.keys()] };
      this.#send(roll);
      this.#listen(ROLL_AGAIN_MS);
    }, after_ms);
  }

  #heard(): void {
    clearTimeout(this.#busyTimer);
    this.#busyTimer = undefined;
    this.#listen(ROLL_AFTER_MS);
    this.#status = this.#port.isSnapshot ? "snapshot" : "ready";
    if (this.nWaiting) this.#watch();
  }

  #watch(): void {
    if (this.#busyTimer !== undefined || this.#status === "closed") return;
    this.#busyTimer = setTimeout(() => {
      this.#busyTimer = undefined;
      if (this.nWaiting === 0 && this.#status !== "connecting") return;
      this.#status = "busy";
      this.#tell();
    }, BUSY_AFTER_MS);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
