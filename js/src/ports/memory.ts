import type { Port } from "../protocol/client.js";

/** A port whose other end is a function; `deliver` plays the kernel. */
export class MemoryPort implements Port {
  readonly sent: Record<string, unknown>[] = [];
  readonly #gone = new AbortController();
  readonly #listeners = new Set<(frame: unknown, buffers: DataView[]) => void>();
  readonly #onSent: ((frame: Record<string, unknown>, port: MemoryPort) => void) | undefined;

  constructor(onSent?: (frame: Record<string, unknown>, port: MemoryPort) => void) {
    this.#onSent = onSent;
  }

  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  send(frame: object): void {
    this.sent.push(frame as Record<string, unknown>);
    this.#onSent?.(frame as Record<string, unknown>, this);
  }

  onFrame(listener: (frame: unknown, buffers: DataView[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  deliver(frame: object, buffers: DataView[] = []): void {
    for (const listener of [...this.#listeners]) listener(frame, buffers);
  }

  close(): void {
    this.#gone.abort();
  }
}
