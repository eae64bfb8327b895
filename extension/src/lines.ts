import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { Token } from "@lumino/coreutils";
import { type ISignal, Signal } from "@lumino/signaling";
import { contextSource, KernelLine, type KernelSource } from "./line";

/** The lines to kernels, one for each session that somebody asked about: the one place that knows what lives. */
export class Lines {
  readonly #notebooks: INotebookTracker;
  readonly #byNotebook = new WeakMap<NotebookPanel, KernelLine>();
  readonly #all = new Set<KernelLine>();
  readonly #paths = new WeakMap<KernelLine, () => string>();
  readonly #changed = new Signal<this, void>(this);

  constructor(notebooks: INotebookTracker) {
    this.#notebooks = notebooks;
    notebooks.currentChanged.connect(() => this.#changed.emit());
  }

  /** The line of a notebook, made on first use; it goes with the notebook. */
  of(panel: NotebookPanel): KernelLine {
    const found = this.#byNotebook.get(panel);
    if (found && !found.isDisposed) return found;
    const made = this.open(contextSource(panel.sessionContext), () => panel.context.path);
    this.#byNotebook.set(panel, made);
    panel.disposed.connect(() => this.close(made));
    return made;
  }

  /** A line of its own to a session; whoever opens it closes it. */
  open(source: KernelSource, path: () => string): KernelLine {
    const made = new KernelLine(source);
    this.#all.add(made);
    this.#paths.set(made, path);
    made.changed.connect(() => this.#changed.emit());
    made.scopesChanged.connect(() => this.#changed.emit());
    return made;
  }

  close(line: KernelLine): void {
    line.dispose();
    if (this.#all.delete(line)) this.#changed.emit();
  }

  /** The lines there are, that of the active notebook first. */
  get all(): KernelLine[] {
    const { current } = this;
    return [...this.#all].sort((a, b) => Number(b === current) - Number(a === current));
  }

  /** The line of the active notebook. */
  get current(): KernelLine | undefined {
    const panel = this.#notebooks.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : undefined;
  }

  /** The notebook that a line belongs to, by its path. */
  pathOf(line: KernelLine): string | undefined {
    return this.#paths.get(line)?.();
  }

  /** The open notebook of this path. */
  notebookAt(path: string): NotebookPanel | undefined {
    return this.#notebooks.find((panel) => !panel.isDisposed && panel.context.path === path);
  }

  /** The open notebook that an element stands in. */
  notebookOf(element: Element | null): NotebookPanel | undefined {
    return this.#notebooks.find((panel) => element !== null && panel.node.contains(element));
  }

  /** Another notebook became active, or a line or its scopes changed. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }
}

export const ILines = new Token<Lines>(
  "@saescope/labextension:ILines",
  "The lines to the kernels of open notebooks.",
);
