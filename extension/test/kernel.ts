import type { Kernel } from "@jupyterlab/services";
import { Signal } from "@lumino/signaling";
import { fixturePort, infoOf, tell, type World } from "../../js/dev/fixture.js";
import type { MemoryPort } from "../../js/src/ports/memory.js";
import type { ScopeInfo } from "../../js/src/protocol/generated.js";
import type { KernelSource } from "../src/line";

type Data = { t?: string; frames?: object[] };

/** A comm whose other end is the made-up kernel of `js/dev`. */
class FakeComm {
  onMsg: ((msg: object) => void) | undefined;
  onClose: ((msg: object) => void) | undefined;
  isDisposed = false;
  readonly #port: MemoryPort | undefined;

  constructor(port: MemoryPort | undefined) {
    this.#port = port;
    port?.onFrame((data, buffers) => this.onMsg?.({ content: { data }, buffers }));
  }

  open() {
    if (!this.#port) queueMicrotask(() => this.onClose?.({}));
    return { done: Promise.resolve() };
  }

  send(data: Data): void {
    for (const frame of data.t === "batch" ? (data.frames ?? []) : [data]) this.#port?.send(frame);
  }

  close(): void {
    this.isDisposed = true;
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

/** A session whose kernel may restart, die, and import saescope. */
export class FakeSession implements KernelSource {
  readonly kernelChanged = new Signal<this, unknown>(this);
  readonly statusChanged = new Signal<this, Kernel.Status>(this);
  readonly comms: FakeComm[] = [];
  world: World = { info: infoOf(64), shift: 0 };
  ports: MemoryPort[] = [];
  isLoaded: boolean;
  kernel: Kernel.IKernelConnection | null;
  readonly #targets = new Map<string, (comm: object) => void>();

  constructor(isLoaded: boolean) {
    this.isLoaded = isLoaded;
    this.kernel = this.#kernel();
  }

  /** Comms that are open. */
  get nOpen(): number {
    return this.comms.filter((comm) => !comm.isDisposed).length;
  }

  get nTargets(): number {
    return this.#targets.size;
  }

  /** The package is imported. */
  load(): void {
    this.isLoaded = true;
    this.#targets.get("saescope-announce")?.({ dispose() {} });
  }

  status(...all: Kernel.Status[]): void {
    for (const one of all) {
      (this.kernel as unknown as { statusChanged: Signal<unknown, Kernel.Status> }).statusChanged.emit(one);
      this.statusChanged.emit(one);
    }
  }

  /** The kernel starts anew: its comms are gone, nothing is imported. */
  restart(): void {
    this.isLoaded = false;
    this.ports = [];
    this.status("restarting", "starting", "idle");
  }

  tell(change: Partial<ScopeInfo>): void {
    for (const port of this.ports) tell(port, this.world, change);
  }

  #kernel(): Kernel.IKernelConnection {
    const made = {
      id: "kernel",
      info: Promise.resolve({}),
      isDisposed: false,
      createComm: () => {
        const port = this.isLoaded ? fixturePort(64, 1, this.world) : undefined;
        if (port) this.ports.push(port);
        const comm = new FakeComm(port);
        this.comms.push(comm);
        return comm;
      },
      registerCommTarget: (name: string, heard: (comm: object) => void) => this.#targets.set(name, heard),
      removeCommTarget: (name: string) => this.#targets.delete(name),
    };
    return Object.assign(made, {
      statusChanged: new Signal(made),
      disposed: new Signal(made),
    }) as unknown as Kernel.IKernelConnection;
  }
}
