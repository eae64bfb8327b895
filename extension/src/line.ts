import type { ISessionContext } from "@jupyterlab/apputils";
import type { Kernel, Session } from "@jupyterlab/services";
import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import { Client, type ScopeInfo } from "@saescope/panels";
import { ANNOUNCE, openCommPort } from "./commPort";

export type LineState =
  | { kind: "none" }
  | { kind: "waiting" }
  | { kind: "restarting" }
  | { kind: "dead" }
  | { kind: "not-loaded" }
  | { kind: "open"; kernel: Kernel.IKernelConnection; client: Client };

/** Whatever has a kernel that may change, restart or die. */
export interface KernelSource {
  readonly kernel: Kernel.IKernelConnection | null;
  readonly kernelChanged: ISignal<unknown, unknown>;
  readonly statusChanged: ISignal<unknown, Kernel.Status>;
}

export function contextSource(context: ISessionContext): KernelSource {
  return {
    get kernel() {
      return context.session?.kernel ?? null;
    },
    kernelChanged: context.kernelChanged,
    statusChanged: context.statusChanged,
  };
}

export function sessionSource(session: Session.ISessionConnection): KernelSource {
  return session;
}

/** Follows the kernel of a session: opens a line when the package is there, and again after a restart. */
export class KernelLine implements IDisposable {
  readonly #source: KernelSource;
  readonly #changed = new Signal<this, LineState>(this);
  readonly #scopesChanged = new Signal<this, readonly ScopeInfo[]>(this);
  #life = new AbortController();
  #state: LineState = { kind: "none" };
  #scopes: readonly ScopeInfo[] = [];
  #generation = 0;
  #isDisposed = false;
  #wasRestarting = false;

  constructor(source: KernelSource) {
    this.#source = source;
    source.kernelChanged.connect(this.#reconnect, this);
    source.statusChanged.connect(this.#onStatus, this);
    this.#reconnect();
  }

  get state(): LineState {
    return this.#state;
  }

  get changed(): ISignal<this, LineState> {
    return this.#changed;
  }

  /** The scopes that the kernel tells of, the newest first. */
  get scopes(): readonly ScopeInfo[] {
    return this.#scopes;
  }

  get scopesChanged(): ISignal<this, readonly ScopeInfo[]> {
    return this.#scopesChanged;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#generation++;
    this.#source.kernelChanged.disconnect(this.#reconnect, this);
    this.#source.statusChanged.disconnect(this.#onStatus, this);
    this.#drop("none");
    Signal.clearData(this);
  }

  #onStatus(_source: unknown, status: Kernel.Status): void {
    if (["restarting", "autorestarting", "dead", "terminating"].includes(status)) {
      this.#wasRestarting = true;
      this.#drop(status === "dead" || status === "terminating" ? "dead" : "restarting");
    } else if (this.#wasRestarting && (status === "idle" || status === "starting")) {
      this.#wasRestarting = false;
      this.#reconnect();
    }
  }

  #drop(kind: "none" | "restarting" | "dead"): void {
    this.#generation++;
    this.#life.abort();
    this.#set({ kind });
  }

  #set(state: LineState): void {
    if (this.#state.kind === "open") this.#state.client.close();
    this.#state = state;
    this.#hear(state.kind === "open" ? state.client.scopes : []);
    this.#changed.emit(state);
  }

  #hear(scopes: readonly ScopeInfo[]): void {
    if (scopes === this.#scopes || (scopes.length === 0 && this.#scopes.length === 0)) return;
    this.#scopes = scopes;
    this.#scopesChanged.emit(scopes);
  }

  #reconnect(): void {
    const { kernel } = this.#source;
    this.#drop(kernel || this.#state.kind !== "dead" ? "none" : "dead");
    if (!kernel || this.#isDisposed) return;
    const life = new AbortController();
    this.#life = life;
    const onAnnounce = (comm: Kernel.IComm) => {
      comm.dispose();
      void this.#open(kernel, life);
    };
    kernel.registerCommTarget(ANNOUNCE, onAnnounce);
    life.signal.addEventListener("abort", () => {
      if (!kernel.isDisposed) kernel.removeCommTarget(ANNOUNCE, onAnnounce);
    });
    void this.#open(kernel, life);
  }

  async #open(kernel: Kernel.IKernelConnection, life: AbortController): Promise<void> {
    const generation = ++this.#generation;
    const isCurrent = () => generation === this.#generation && !life.signal.aborted;
    this.#set({ kind: "waiting" });
    try {
      await kernel.info;
      if (!isCurrent()) return;
      const port = await openCommPort(kernel, life.signal);
      if (!isCurrent()) return;
      port.closed.addEventListener("abort", () => isCurrent() && this.#set({ kind: "not-loaded" }), {
        once: true,
      });
      const client = new Client(port);
      client.subscribe(() => isCurrent() && client.status !== "closed" && this.#hear(client.scopes));
      this.#set({ kind: "open", kernel, client });
    } catch {
      if (isCurrent()) this.#set({ kind: "not-loaded" });
    }
  }
}

/** The scope to show: that of an id, else one of the same model, SAE, site and index; none if neither is there. */
export function findScope(
  scopes: readonly ScopeInfo[],
  wanted: { scope?: string | undefined; key?: string | undefined },
): ScopeInfo | undefined {
  return (
    scopes.find((s) => s.id === wanted.scope) ?? scopes.find((s) => s.key !== "" && s.key === wanted.key)
  );
}

/** The names of scopes; those that two share tell their place too. */
export function namesOf(scopes: readonly ScopeInfo[]): string[] {
  const plain = scopes.map(({ name, site }) => (name.includes(site) ? name : `${name} · ${site}`));
  return plain.map((name, i) =>
    plain.indexOf(name) === plain.lastIndexOf(name) ? name : `${name} (${i + 1})`,
  );
}
