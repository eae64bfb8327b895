import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { Session } from "@jupyterlab/services";
import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import { type KernelLine, sessionSource } from "./line";
import type { Lines } from "./lines";

/** The kernel behind a notebook's path: through the notebook while it is open, else through its running session. */
export class Binding implements IDisposable {
  readonly #lines: Lines;
  readonly #notebooks: INotebookTracker;
  readonly #sessions: Session.IManager;
  readonly #changed = new Signal<this, void>(this);
  #path: string;
  #panel: NotebookPanel | undefined;
  #session: Session.ISessionConnection | undefined;
  #line: KernelLine | undefined;
  #generation = 0;
  #isSearching = false;
  #isDisposed = false;

  constructor(path: string, lines: Lines, notebooks: INotebookTracker, sessions: Session.IManager) {
    this.#path = path;
    this.#lines = lines;
    this.#notebooks = notebooks;
    this.#sessions = sessions;
    notebooks.widgetAdded.connect(this.#onAdded, this);
    const open = lines.notebookAt(path);
    if (open) this.#take(open);
    else void this.#findSession();
  }

  get path(): string {
    return this.#path;
  }

  /** None when the notebook is closed and nothing runs for it. */
  get line(): KernelLine | undefined {
    return this.#line;
  }

  /** Whether it is not known yet if a kernel runs. */
  get isSearching(): boolean {
    return this.#isSearching;
  }

  /** The notebook, while it is open. */
  get panel(): NotebookPanel | undefined {
    return this.#panel;
  }

  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#notebooks.widgetAdded.disconnect(this.#onAdded, this);
    this.#leavePanel();
    this.#leaveSession();
    Signal.clearData(this);
  }

  #onAdded(_tracker: unknown, panel: NotebookPanel): void {
    if (panel.context.path === this.#path) this.#take(panel);
  }

  #take(panel: NotebookPanel): void {
    this.#generation++;
    this.#isSearching = false;
    this.#leavePanel();
    this.#leaveSession();
    this.#panel = panel;
    panel.disposed.connect(this.#onClosed, this);
    panel.context.pathChanged.connect(this.#onMoved, this);
    this.#line = this.#lines.of(panel);
    this.#changed.emit();
  }

  #onMoved(_context: unknown, path: string): void {
    this.#path = path;
    this.#changed.emit();
  }

  #onClosed(): void {
    this.#leavePanel();
    this.#line = undefined;
    const other = this.#lines.notebookAt(this.#path);
    if (other) this.#take(other);
    else void this.#findSession();
  }

  #leavePanel(): void {
    this.#panel?.disposed.disconnect(this.#onClosed, this);
    this.#panel?.context.pathChanged.disconnect(this.#onMoved, this);
    this.#panel = undefined;
  }

  #leaveSession(): void {
    if (!this.#session) return;
    if (this.#line) this.#lines.close(this.#line);
    this.#session.disposed.disconnect(this.#onSessionGone, this);
    this.#session.dispose();
    this.#session = undefined;
    this.#line = undefined;
  }

  async #findSession(): Promise<void> {
    const generation = ++this.#generation;
    this.#isSearching = true;
    this.#changed.emit();
    const model = await this.#running();
    if (this.#isDisposed || generation !== this.#generation) return;
    this.#isSearching = false;
    if (model) {
      this.#session = this.#sessions.connectTo({ model });
      this.#session.disposed.connect(this.#onSessionGone, this);
      this.#line = this.#lines.open(sessionSource(this.#session), () => this.#path);
    }
    this.#changed.emit();
  }

  async #running(): Promise<Session.IModel | undefined> {
    try {
      await this.#sessions.ready;
      await this.#sessions.refreshRunning();
      return [...this.#sessions.running()].find((running) => running.path === this.#path);
    } catch {
      return undefined;
    }
  }

  #onSessionGone(): void {
    const line = this.#line;
    this.#session = undefined;
    this.#line = undefined;
    if (line) this.#lines.close(line);
    this.#changed.emit();
  }
}
