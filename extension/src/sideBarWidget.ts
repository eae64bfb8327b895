import type { TranslationBundle } from "@jupyterlab/translation";
import { Widget } from "@lumino/widgets";
import type { Host, ScopeInfo } from "@saescope/panels";
import { findScope, type KernelLine } from "./line";
import { LivePanel } from "./livePanel";
import type { Shelf } from "./shelf";
import type { Remedy } from "./words";

interface Options {
  host: Host;
  shelf: Shelf;
  trans: TranslationBundle;
  remedy: (remedy: Remedy) => void;
  open: () => void;
}

/** The side bar: a picker of scopes above the same view that cells show. */
export class SideBar extends Widget {
  readonly #picker = document.createElement("select");
  readonly #whole = document.createElement("button");
  readonly #panel: LivePanel;
  #chosen = new WeakMap<KernelLine, { scope: string; key: string }>();
  #line: KernelLine | undefined;
  #listed = "";

  constructor({ host, shelf, trans, remedy, open }: Options) {
    super();
    this.addClass("saescope-side");
    const head = document.createElement("div");
    head.className = "saescope-side-head";
    const title = document.createElement("span");
    title.className = "saescope-side-title";
    title.textContent = "saescope";
    this.#picker.setAttribute("aria-label", trans.__("Scope"));
    this.#picker.addEventListener("change", () => this.#choose(this.#picker.value));
    this.#whole.type = "button";
    this.#whole.className = "saescope-side-open";
    this.#whole.textContent = trans.__("Open");
    this.#whole.title = trans.__("Open the whole browser beside the notebook.");
    this.#whole.addEventListener("click", open);
    head.append(title, this.#picker, this.#whole);
    this.#panel = new LivePanel({
      layout: "narrow",
      panel: "side-bar",
      host,
      trans,
      choose: (scopes) => this.#wanted(scopes),
      stateOf: (scope) => shelf.get(scope.key),
      onState: (scope, state) => shelf.put(scope.key, state),
      remedy,
    });
    this.#panel.setSeen(false);
    this.#panel.node.classList.add("saescope-side-body", "saescope-fill");
    this.node.append(head, this.#panel.node);
    this.#fillPicker();
  }

  /** The scope that is shown. */
  get scope(): ScopeInfo | undefined {
    return this.#panel.shown;
  }

  /** Follow the kernel behind a line, or none. */
  follow(line: KernelLine | undefined): void {
    if (line === this.#line) return;
    this.#line?.scopesChanged.disconnect(this.#fillPicker, this);
    this.#line = line;
    line?.scopesChanged.connect(this.#fillPicker, this);
    this.#panel.follow(line, "none", false);
    this.#fillPicker();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#line?.scopesChanged.disconnect(this.#fillPicker, this);
    this.#panel.dispose();
    super.dispose();
  }

  protected override onAfterShow(): void {
    this.#panel.setSeen(true);
  }

  protected override onAfterHide(): void {
    this.#panel.setSeen(false);
  }

  #wanted(scopes: readonly ScopeInfo[]): ScopeInfo | undefined {
    const chosen = this.#line && this.#chosen.get(this.#line);
    return (chosen && findScope(scopes, chosen)) ?? scopes[0];
  }

  #choose(scope: string): void {
    const key = this.#line?.scopes.find((s) => s.id === scope)?.key ?? "";
    if (this.#line) this.#chosen.set(this.#line, { scope, key });
    this.#panel.refresh();
    this.#fillPicker();
  }

  #fillPicker(): void {
    const scopes = this.#line?.scopes ?? [];
    this.#picker.hidden = scopes.length < 2;
    this.#whole.hidden = scopes.length === 0;
    const shown = this.#wanted(scopes);
    const listed = JSON.stringify([shown?.id, ...scopes.map((s) => [s.id, s.name])]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#picker.replaceChildren(
      ...scopes.map((s) => {
        const option = document.createElement("option");
        option.value = s.id;
        option.textContent = s.name;
        option.selected = s.id === shown?.id;
        return option;
      }),
    );
  }
}
