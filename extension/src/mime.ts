import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { Kernel } from "@jupyterlab/services";
import { Widget } from "@lumino/widgets";
import { mount, type ScopeInfo, type Snapshot, snapshotPort } from "@saescope/panels";
import { openCommPort } from "./commPort";
import { findScope, type KernelLine, type LineState } from "./line";
import { ILines, type Lines } from "./lines";
import { swap } from "./swap";

const MIME = "application/vnd.saescope.v1+json";
/** Before the widget view (-10), which needs the kernel that made it. */
const RANK = -20;
const VERSION = 2;

/** A panel that a cell left behind: a snapshot at once, and live when the kernel knows its scope. */
class SnapshotView extends Widget implements IRenderMime.IRenderer {
  readonly #line: KernelLine;
  #saved: Snapshot | undefined;
  #life = new AbortController();
  readonly #all = new AbortController();
  #isLive = false;
  #isTrying = false;

  constructor(line: KernelLine) {
    super();
    this.addClass("saescope-snapshot");
    this.#line = line;
    line.changed.connect(this.#onLine, this);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#saved = model.data[MIME] as unknown as Snapshot;
    this.#showSnapshot();
    this.#onLine(this.#line, this.#line.state);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#life.abort();
    this.#all.abort();
    this.#line.changed.disconnect(this.#onLine, this);
    super.dispose();
  }

  #restart(): AbortSignal {
    this.#life.abort();
    this.#life = new AbortController();
    this.node.replaceChildren();
    return this.#life.signal;
  }

  #swap(draw: (el: HTMLElement, signal: AbortSignal) => void): void {
    const before = this.#life;
    this.#life = new AbortController();
    const { signal } = this.#life;
    swap(
      this.node,
      signal,
      (el) => draw(el, signal),
      () => before.abort(),
    );
  }

  #showSnapshot(): void {
    if (!this.#saved) return;
    this.#isLive = false;
    const signal = this.#restart();
    if (this.#saved.version !== VERSION) {
      this.node.textContent = "This panel was saved by another version of saescope: run the cell again.";
      return;
    }
    mount(this.#saved.panel, snapshotPort(this.#saved, signal), this.node, this.#saved.spec, { signal });
  }

  #onLine(_line: KernelLine, state: LineState): void {
    if (state.kind === "open") void this.#goLive(state.kernel);
  }

  /** Draw the panel anew over a line of its own, as soon as the kernel names its scope. */
  async #goLive(kernel: Kernel.IKernelConnection): Promise<void> {
    const saved = this.#saved;
    if (!saved || this.#isLive || this.#isTrying) return;
    this.#isTrying = true;
    try {
      const port = await openCommPort(kernel, this.#all.signal);
      const off = port.onFrame((raw) => {
        const scope = findScope(scopesIn(raw) ?? [], saved.spec);
        if (!scope) return;
        off();
        this.#isLive = true;
        this.#swap((el, signal) =>
          mount(saved.panel, port, el, { ...saved.spec, scope: scope.id }, { signal }),
        );
        port.closed.addEventListener("abort", () => this.#setDead(), { once: true });
      });
      port.closed.addEventListener("abort", () => this.#setDead(), { once: true });
    } catch {
      this.#isTrying = false;
    }
  }

  #setDead(): void {
    this.#isLive = false;
    this.#isTrying = false;
  }
}

type Frame = { t?: string; topic?: string; scopes?: ScopeInfo[]; data?: { scopes?: ScopeInfo[] } };

function scopesIn(raw: unknown): ScopeInfo[] | undefined {
  const frame = raw as Frame;
  if (frame.t === "hello") return frame.scopes;
  return frame.t === "notify" && frame.topic === "scopes" ? frame.data?.scopes : undefined;
}

/** Draws what `scope.browse()` leaves in a notebook. */
export const mimeRenderer: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:mime",
  description: "Draws saescope panels in notebooks, with and without a kernel.",
  autoStart: true,
  requires: [INotebookTracker, ILines],
  activate(_app: JupyterFrontEnd, notebooks: INotebookTracker, lines: Lines) {
    const add = (panel: NotebookPanel) => {
      panel.content.rendermime.addFactory(
        {
          safe: true,
          mimeTypes: [MIME],
          defaultRank: RANK,
          createRenderer: () => new SnapshotView(lines.of(panel)),
        },
        RANK,
      );
    };
    notebooks.forEach(add);
    notebooks.widgetAdded.connect((_tracker, panel) => add(panel));
  },
};
