import type { Kernel } from "@jupyterlab/services";
import type { TranslationBundle } from "@jupyterlab/translation";
import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import { type Host, mount, type PanelHandle, type ScopeInfo } from "@saescope/panels";
import { openCommPort } from "./commPort";
import type { KernelLine } from "./line";
import { swap } from "./swap";
import { noteOf, type Remedy, type Trouble } from "./words";

export type SavedState = Record<string, unknown>;

export interface LiveOptions {
  layout: "auto" | "narrow";
  /** The panel's own id, by which the kernel remembers its state. */
  panel: string;
  host: Host;
  trans: TranslationBundle;
  /** Of the scopes of a line, the one to show. */
  choose: (scopes: readonly ScopeInfo[]) => ScopeInfo | undefined;
  /** What was done with a scope's panel before, here or in another life of its kernel. */
  stateOf: (scope: ScopeInfo) => SavedState | undefined;
  onState: (scope: ScopeInfo, state: SavedState) => void;
  remedy: (remedy: Remedy) => void;
}

/** The browser over a line of its own to a kernel: it greys when the kernel goes, and comes back with it. */
export class LivePanel implements IDisposable {
  readonly node = document.createElement("div");
  readonly #strip = document.createElement("div");
  readonly #body = document.createElement("div");
  readonly #options: LiveOptions;
  readonly #shownChanged = new Signal<this, ScopeInfo | undefined>(this);
  #line: KernelLine | undefined;
  #trouble: Trouble = "none";
  #life = new AbortController();
  #opening: AbortController | undefined;
  #shown: ScopeInfo | undefined;
  #isLive = false;
  #isSeen = true;
  #handle: PanelHandle | undefined;
  #pending: SavedState | undefined;
  #isDisposed = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.node.className = "saescope-live";
    this.#strip.className = "saescope-strip";
    this.#strip.setAttribute("role", "status");
    this.#body.className = "saescope-live-body";
    this.node.append(this.#strip, this.#body);
    this.#draw();
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** The scope that is shown, live or greyed. */
  get shown(): ScopeInfo | undefined {
    return this.#shown;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get line(): KernelLine | undefined {
    return this.#line;
  }

  get shownChanged(): ISignal<this, ScopeInfo | undefined> {
    return this.#shownChanged;
  }

  /** Follow the kernel behind a line; without one, say why. What another notebook's kernel told is taken away. */
  follow(line: KernelLine | undefined, trouble: Trouble, keeps: boolean): void {
    if (line !== this.#line) {
      this.#line?.changed.disconnect(this.refresh, this);
      this.#line?.scopesChanged.disconnect(this.refresh, this);
      this.#line = line;
      line?.changed.connect(this.refresh, this);
      line?.scopesChanged.connect(this.refresh, this);
      if (keeps) this.#lose();
      else this.#clear();
    }
    this.#trouble = trouble;
    this.refresh();
  }

  /** What is drawn where nobody sees it takes the kernel from what they do see. */
  setSeen(isSeen: boolean): void {
    this.#isSeen = isSeen;
    if (isSeen) this.refresh();
  }

  /** Change the panel's state now, or when it is drawn. */
  update(part: SavedState): void {
    if (this.#handle && this.#isLive) this.#handle.update(part);
    else this.#pending = { ...this.#pending, ...part };
  }

  focus(): void {
    this.#body.querySelector<HTMLElement>(".saescope")?.focus({ preventScroll: true });
  }

  /** Look again at what the line says. */
  refresh(): void {
    if (this.#isDisposed) return;
    const state = this.#line?.state;
    const scope = state?.kind === "open" ? this.#options.choose(this.#line?.scopes ?? []) : undefined;
    if (state?.kind === "open" && scope && this.#isSeen) this.#show(scope, state.kernel);
    else if (state?.kind === "open" && !scope) this.#lose();
    this.#draw();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#line?.changed.disconnect(this.refresh, this);
    this.#line?.scopesChanged.disconnect(this.refresh, this);
    this.#isDisposed = true;
    this.#clear();
    Signal.clearData(this);
  }

  #show(scope: ScopeInfo, kernel: Kernel.IKernelConnection): void {
    if (this.#isLive && this.#shown?.id === scope.id) return;
    if (this.#opening && this.#shown?.id === scope.id) return;
    this.#opening?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.#shown = scope;
    void this.#open(scope, kernel, opening);
  }

  async #open(scope: ScopeInfo, kernel: Kernel.IKernelConnection, life: AbortController): Promise<void> {
    try {
      const port = await openCommPort(kernel, life.signal);
      if (life.signal.aborted || this.#isDisposed) return;
      const before = this.#life;
      this.#opening = undefined;
      this.#life = life;
      this.#isLive = true;
      port.closed.addEventListener("abort", () => this.#onClosed(life), { once: true });
      swap(
        this.#body,
        life.signal,
        (el) => this.#mount(el, scope, port, life),
        () => before.abort(),
      );
      this.#draw();
      this.#shownChanged.emit(scope);
    } catch {
      if (this.#opening === life) this.#opening = undefined;
    }
  }

  #mount(
    el: HTMLElement,
    scope: ScopeInfo,
    port: Awaited<ReturnType<typeof openCommPort>>,
    life: AbortController,
  ): void {
    const { panel, layout, host, stateOf, onState } = this.#options;
    const state = stateOf(scope) ?? {};
    const feature = typeof state["feature"] === "number" ? { feature: state["feature"] } : {};
    mount(
      "browser",
      port,
      el,
      { scope: scope.id, key: scope.key, panel, state, ...feature },
      {
        layout,
        host,
        signal: life.signal,
        onState: (next) => this.#life === life && onState(scope, next),
        onHandle: (handle) => {
          if (this.#life !== life) return;
          this.#handle = handle;
        },
      },
    );
    this.#flushWhenDrawn(el, life);
  }

  /** What was asked before the panel was there is done once it has loaded what it remembered. */
  #flushWhenDrawn(el: HTMLElement, life: AbortController): void {
    if (!this.#pending) return;
    const flush = () => {
      if (!el.querySelector(".ss-body")) return;
      watch.disconnect();
      if (this.#life !== life || !this.#pending) return;
      const part = this.#pending;
      this.#pending = undefined;
      this.#handle?.update(part);
    };
    const watch = new MutationObserver(flush);
    watch.observe(el, { childList: true, subtree: true });
    life.signal.addEventListener("abort", () => watch.disconnect(), { once: true });
    flush();
  }

  #onClosed(life: AbortController): void {
    if (this.#life !== life || this.#isDisposed) return;
    this.#isLive = false;
    this.#handle = undefined;
    this.#draw();
  }

  /** The kernel is gone or tells of no such scope: what was drawn stays, greyed. */
  #lose(): void {
    this.#opening?.abort();
    this.#opening = undefined;
    if (!this.#isLive) return;
    this.#isLive = false;
    this.#handle = undefined;
    this.#body.classList.add("saescope-lost");
  }

  #clear(): void {
    this.#opening?.abort();
    this.#opening = undefined;
    this.#life.abort();
    this.#life = new AbortController();
    this.#isLive = false;
    this.#shown = undefined;
    this.#handle = undefined;
    this.#body.replaceChildren();
    this.#shownChanged.emit(undefined);
  }

  #why(): Trouble {
    const kind = this.#line?.state.kind;
    if (kind === undefined) return this.#trouble;
    if (kind === "none") return "no-kernel";
    const isKept = this.#body.childElementCount > 0;
    if (kind === "open") return isKept ? "restarted" : "no-scope";
    return kind === "not-loaded" && isKept ? "restarted" : kind;
  }

  #draw(): void {
    const isKept = this.#body.childElementCount > 0;
    const isComing = this.#opening !== undefined || !this.#isSeen;
    this.#body.classList.toggle("saescope-lost", isKept && !this.#isLive);
    this.node.classList.toggle("saescope-live-empty", !isKept);
    const isQuiet = this.#isLive || isComing;
    this.#strip.hidden = isQuiet;
    if (isQuiet) return;
    const { lines, remedy, label } = noteOf(this.#why(), this.#options.trans);
    const told = lines.map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    });
    this.#strip.replaceChildren(...told);
    if (!remedy || !label) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", () => this.#options.remedy(remedy));
    this.#strip.append(button);
  }
}
