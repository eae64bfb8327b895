import type { TranslationBundle } from "@jupyterlab/translation";
import { type ISignal, Signal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { callName, type Host, type ScopeInfo } from "@saescope/panels";
import type { Binding } from "./binding";
import { findScope } from "./line";
import { LivePanel, type SavedState } from "./livePanel";
import type { Remedy } from "./words";

const NAME_AFTER_MS = 200;
const MOST_LETTERS = 28;

/** What a tab is opened with, and restored from. */
export interface TabArgs {
  /** The notebook whose kernel holds the scope. */
  path: string;
  /** The scope, while its kernel lives. */
  scope?: string | undefined;
  /** Its model, SAE, site and index, in any life of the kernel. */
  key?: string | undefined;
  /** Its own id, by which the kernel remembers it too. */
  id: string;
  state?: SavedState | undefined;
}

interface Options {
  args: TabArgs;
  binding: Binding;
  host: Host;
  trans: TranslationBundle;
  remedy: (remedy: Remedy, path: string) => void;
}

/** The whole browser in the main area, bound to the kernel of a notebook. */
export class ScopeTab extends Widget {
  readonly binding: Binding;
  readonly #trans: TranslationBundle;
  readonly #panel: LivePanel;
  readonly #saved = new Signal<this, void>(this);
  readonly #id: string;
  #wanted: { scope?: string | undefined; key?: string | undefined };
  #state: SavedState | undefined;
  #feature: number | undefined;
  #named: { feature: number; name: string } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #offNotes: (() => void) | undefined;

  constructor({ args, binding, host, trans, remedy }: Options) {
    super();
    this.addClass("saescope-tab");
    this.binding = binding;
    this.#trans = trans;
    this.#id = args.id;
    this.#wanted = { scope: args.scope, key: args.key };
    this.#state = args.state;
    this.#feature = numberIn(args.state);
    this.#panel = new LivePanel({
      layout: "auto",
      panel: args.id,
      host,
      trans,
      choose: (scopes) => this.#choose(scopes),
      stateOf: () => this.#state,
      onState: (_scope, state) => this.#keep(state),
      remedy: (what) => remedy(what, binding.path),
    });
    this.#panel.node.classList.add("saescope-fill");
    this.node.append(this.#panel.node);
    this.#panel.shownChanged.connect(this.#onShown, this);
    binding.changed.connect(this.#follow, this);
    this.#follow();
    this.#entitle();
  }

  /** What brings this tab back. */
  get args(): TabArgs {
    return { path: this.binding.path, ...this.#wanted, id: this.#id, state: this.#state };
  }

  /** The scope that is shown, live or greyed. */
  get scope(): ScopeInfo | undefined {
    return this.#panel.shown;
  }

  get isLive(): boolean {
    return this.#panel.isLive;
  }

  /** What brings this tab back has changed. */
  get saved(): ISignal<this, void> {
    return this.#saved;
  }

  /** Change the state of the browser now, or when it is drawn. */
  change(part: SavedState): void {
    this.#panel.update(part);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    clearTimeout(this.#timer);
    this.#offNotes?.();
    this.#panel.dispose();
    this.binding.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  protected override onActivateRequest(): void {
    this.#panel.focus();
  }

  #choose(scopes: readonly ScopeInfo[]): ScopeInfo | undefined {
    const isAny = this.#wanted.scope === undefined && !this.#wanted.key;
    return isAny ? scopes[0] : findScope(scopes, this.#wanted);
  }

  #follow(): void {
    const { line, isSearching } = this.binding;
    this.#panel.follow(line, isSearching ? "waiting" : "closed", true);
    this.#entitle();
    this.#saved.emit();
  }

  #onShown(_panel: LivePanel, scope: ScopeInfo | undefined): void {
    if (!scope) return;
    this.#wanted = { scope: scope.id, key: scope.key };
    this.#offNotes?.();
    const state = this.#panel.line?.state;
    if (state?.kind === "open") this.#offNotes = state.client.onNotify("notes", () => this.#nameSoon());
    this.#nameSoon();
    this.#saved.emit();
  }

  #keep(state: SavedState): void {
    this.#state = state;
    const feature = numberIn(state);
    if (feature !== this.#feature) {
      this.#feature = feature;
      this.#entitle();
      this.#nameSoon();
    }
    this.#saved.emit();
  }

  #nameSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#name(), NAME_AFTER_MS);
  }

  async #name(): Promise<void> {
    const [feature, scope, state] = [this.#feature, this.scope, this.#panel.line?.state];
    if (feature === undefined || !scope?.has_index || state?.kind !== "open") return;
    try {
      const { data } = await state.client.request("features.brief", {
        scope: scope.id,
        features: [feature],
      });
      const [brief] = data.briefs;
      if (this.isDisposed || !brief || feature !== this.#feature) return;
      this.#named = { feature, name: callName(brief) };
      this.#entitle();
    } catch {
      // the number alone names it
    }
  }

  #entitle(): void {
    const { title } = this;
    const name = this.#named?.feature === this.#feature ? this.#named?.name : "";
    const short = name && name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1).trimEnd()}…` : name;
    title.label =
      this.#feature === undefined ? "saescope" : [`#${this.#feature}`, short].filter(Boolean).join(" ");
    const { scope } = this;
    title.caption = [
      scope ? `${scope.model || scope.name} · ${scope.site}` : "saescope",
      this.#trans.__("Kernel of %1", this.binding.path),
    ].join("\n");
  }
}

function numberIn(state: SavedState | undefined): number | undefined {
  const feature = state?.["feature"];
  return typeof feature === "number" ? feature : undefined;
}
