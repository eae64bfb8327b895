import type { ISessionContext } from "@jupyterlab/apputils";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Kernel } from "@jupyterlab/services";
import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import type { Port, ScopeInfo } from "@saescope/panels";
import { ANNOUNCE, openCommPort } from "./commPort";

export type LineState =
  | { kind: "none" }
  | { kind: "waiting" }
  | { kind: "not-loaded" }
  | { kind: "open"; port: Port; kernel: Kernel.IKernelConnection };

/** Follows the kernel of a session: opens a line when the package is there, and again after a restart. */
export class KernelLine implements IDisposable {
  readonly #session: ISessionContext;
  readonly #changed = new Signal<this, LineState>(this);
  #life = new AbortController();
  #state: LineState = { kind: "none" };
  #generation = 0;
  #isDisposed = false;
  #wasRestarting = false;

  constructor(session: ISessionContext) {
    this.#session = session;
    session.kernelChanged.connect(this.#reconnect, this);
    session.statusChanged.connect(this.#onStatus, this);
    this.#reconnect();
  }

  get state(): LineState {
    return this.#state;
  }

  get changed(): ISignal<this, LineState> {
    return this.#changed;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#generation++;
    this.#life.abort();
    this.#session.kernelChanged.disconnect(this.#reconnect, this);
    this.#session.statusChanged.disconnect(this.#onStatus, this);
    Signal.clearData(this);
  }

  #onStatus(_session: ISessionContext, status: Kernel.Status): void {
    if (["restarting", "autorestarting", "dead", "terminating"].includes(status)) {
      this.#wasRestarting = true;
      this.#drop();
    } else if (this.#wasRestarting && (status === "idle" || status === "starting")) {
      this.#wasRestarting = false;
      this.#reconnect();
    }
  }

  #drop(): void {
    this.#generation++;
    this.#life.abort();
    this.#set({ kind: "none" });
  }

  #set(state: LineState): void {
    this.#state = state;
    this.#changed.emit(state);
  }

  #reconnect(): void {
    this.#drop();
    const kernel = this.#session.session?.kernel;
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
      this.#set({ kind: "open", port, kernel });
    } catch {
      if (isCurrent()) this.#set({ kind: "not-loaded" });
    }
  }
}

/** The scope to show: the one chosen before if it still lives, else the newest. */
export function choose(scopes: readonly ScopeInfo[], chosen: string | undefined): ScopeInfo | undefined {
  return scopes.find((s) => s.id === chosen) ?? scopes[0];
}

const lines = new WeakMap<NotebookPanel, KernelLine>();

/** The one line of a notebook, made on first use; it goes with the notebook. */
export function lineOf(panel: NotebookPanel): KernelLine {
  const found = lines.get(panel);
  if (found && !found.isDisposed) return found;
  const made = new KernelLine(panel.sessionContext);
  lines.set(panel, made);
  panel.disposed.connect(() => made.dispose());
  return made;
}
