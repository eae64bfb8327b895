import type { ComponentType } from "preact";
import type { Call } from "../data/call.js";
import type { Shared } from "../data/shared.js";
import type { Told } from "../plugins/Plugged.js";
import type { Client } from "../protocol/client.js";
import type { ScopeInfo } from "../protocol/generated.js";

/** What a panel is, as JSON: which scope it shows, what it opens with, and what a person did in it before. */
export interface PanelSpec {
  scope: string;
  /** The same for the same model, SAE, site and index in any process. */
  key?: string;
  /** Its own id, by which the kernel remembers its state. */
  panel?: string;
  feature?: number;
  state?: Record<string, unknown>;
  /** The panel is that of another package. */
  plugin?: Told;
}

/** What a view draws from. */
export interface ViewProps<S extends object = Record<string, unknown>> {
  client: Client;
  info: ScopeInfo;
  shared: Shared;
  /** The feature to show: the locked one, or the one that all panels show. */
  feature: number | undefined;
  /** Show another feature here and in every panel that follows. */
  choose: (feature: number) => void;
  /** What a person did in this panel, as JSON: saved, and there again after a reload. */
  state: S;
  update: (part: Partial<S>) => void;
  isNarrow: boolean;
  /** There is no kernel behind it: a snapshot in a notebook. */
  isReadOnly: boolean;
  /** In the browser: show another panel beside this one, by its name, with a part of its state changed. */
  openTab?: (name: string, change?: Record<string, unknown>) => void;
  /** In the side bar: the table and a short page, and nothing else. */
  isSideBar?: boolean;
}

/** What is drawn where there is no scope, such as the picker of one. */
export interface BareView<S extends object = Record<string, unknown>> {
  View: ComponentType<BareProps<S>>;
  code: (state: S) => string;
}

export interface BareProps<S extends object = Record<string, unknown>>
  extends Pick<ViewProps<S>, "client" | "state" | "update" | "isNarrow" | "isReadOnly"> {
  /** The panel's own id. */
  panel: string;
}

/** A kind of panel: alone in a cell, or a tab of the browser. */
export interface PanelView<S extends object = Record<string, unknown>> {
  title: string;
  /** What its tab's tip says, in one sentence. */
  about: string;
  View: ComponentType<ViewProps<S>>;
  /** The state it begins with. */
  initial: S;
  /** Its height alone in a cell. */
  height_px: number;
  /** Whether it shows one feature, and can be locked to it. */
  hasFeature: boolean;
  /** Whether it shows something without an index. */
  worksWithoutIndex?: boolean;
  /** Stands in the header when the panel is alone; `update` changes the panel's state. */
  Badge?: ComponentType<{ client: Client; info: ScopeInfo; update: (part: Partial<S>) => void }>;
  /** Stands in the view's place where the spec names no scope. */
  bare?: BareView<S>;
  /** The Python call that gives what it shows as polars. */
  code: (state: S, feature: number | undefined, shared: Shared) => string;
  /** The calls that the text is made of, where they can be kept: see `called`. */
  calls?: (state: S, feature: number | undefined, shared: Shared) => Call[];
}

// biome-ignore lint/suspicious/noExplicitAny: each view has a state of its own, and only it reads it
export type AnyPanel = PanelView<any>;
