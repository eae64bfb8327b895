import type { Reply, RequestOptions } from "../protocol/client.js";
import type { Methods, ScopeInfo } from "../protocol/generated.js";

/** A scope, and a way to ask its kernel. */
export interface PluginAt {
  readonly scope: ScopeInfo;
  /** Ask what every panel asks, by a method of the protocol; the scope is filled in. */
  ask<M extends keyof Methods>(
    method: M,
    params?: Partial<Methods[M]["params"]>,
    options?: Pick<RequestOptions<M>, "signal" | "onEvent" | "slot">,
  ): Promise<Reply<M>>;
  /** Ask a panel's Python class what it has in `answers`. */
  answer(
    panel: string,
    question: string,
    params?: Record<string, unknown>,
    options?: { signal?: AbortSignal },
  ): Promise<Record<string, unknown>>;
}

/** What is so now. */
export interface PluginNow {
  /** The feature to show: the locked one, or the one that all panels show. */
  readonly feature: number | undefined;
  /** The features that are marked. */
  readonly picked: readonly number[];
  /** The text that all panels share. */
  readonly text: string;
  /** What a person did in this panel, as JSON. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly scope: ScopeInfo;
  readonly isNarrow: boolean;
  /** There is no kernel: a snapshot. */
  readonly isReadOnly: boolean;
  readonly isDark: boolean;
}

/** What the view of a plug-in draws with. */
export interface PluginSurface extends PluginAt {
  /** The element that is the view's own. */
  readonly el: HTMLElement;
  readonly now: PluginNow;
  /** Aborts when the view is taken away. */
  readonly signal: AbortSignal;
  /** Be told when something of `now` has changed; returns what ends it. */
  onChange(listener: (now: PluginNow) => void | Promise<void>): () => void;
  /** Change a part of the state: it is saved, and there again after a reload. */
  update(part: Record<string, unknown>): void;
  /** Show a feature here and in every panel that follows. */
  choose(feature: number): void;
  /** Mark features, in place of those marked before. */
  pick(features: readonly number[]): void;
  setText(text: string): void;
  /** Show another panel of the browser; none where the panel stands alone. */
  openPanel?(name: string, change?: Record<string, unknown>): void;
  /** Put a cell with this code into the notebook, where the application can. */
  insertCell?(code: string): void;
}

/** A view: what a plug-in's ES module has as its default export. */
export interface PluginView {
  /** Draw into `surface.el`; may return what takes it away again. A fault here, or a rejection, is told in the panel. */
  render(surface: PluginSurface): undefined | (() => void) | Promise<undefined | (() => void)>;
  /** A style sheet for it. */
  css?: string;
}

/** A panel: a tab of the browser. */
export interface PluginPanel {
  /** Its name: that of its Python class's `view`, where it has one. */
  name: string;
  title: string;
  /** What its tab's tip says, in one sentence. */
  about?: string;
  /** One letter that opens it, where no other panel has it. */
  key?: string;
  height_px?: number;
  hasFeature?: boolean;
  worksWithoutIndex?: boolean;
  view: PluginView;
}

/** Something to do with a feature: a button of its page, and an entry of a row's context menu. */
export interface FeatureAction {
  name: string;
  label: string;
  title?: string;
  run(feature: number, at: PluginAt): void | Promise<void>;
}

/** A column of the feature table; its values are asked for as rows come into sight. */
export interface FeatureColumn {
  name: string;
  label: string;
  title?: string;
  width_px?: number;
  /** A value for each feature, in order; null for none. */
  values(
    features: readonly number[],
    at: PluginAt,
  ): readonly (string | number | null)[] | Promise<readonly (string | number | null)[]>;
}
