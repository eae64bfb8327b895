import type { Kernel } from "@jupyterlab/services";
import { Token } from "@lumino/coreutils";
import type { IDisposable } from "@lumino/disposable";
import type { ISignal } from "@lumino/signaling";
import type { AddedPanel, FeatureAction, FeatureColumn, ScopeInfo } from "@saescope/panels";

export type {
  AddedPanel,
  FeatureAction,
  FeatureColumn,
  PluginAt,
  PluginNow,
  PluginSurface,
  PluginView,
  ScopeInfo,
} from "@saescope/panels";

/** What a person looks at. */
export interface Selected {
  scope: ScopeInfo;
  /** The feature that panels show; none before one is chosen. */
  feature: number | null;
  /** The features that are marked. */
  picked: readonly number[];
  /** The text that panels share. */
  text: string;
  /** The kernel that holds the scope. */
  kernel: Kernel.IKernelConnection;
  /** The notebook of that kernel, by its path. */
  notebook: string | undefined;
}

/** What other labextensions add to saescope. */
export interface ISaescope {
  /** Add a panel: a tab of the browser. Disposing takes it away. */
  addPanel(panel: AddedPanel): IDisposable;
  /** Add something to do with a feature: a button of its page, and an entry of a row's context menu. */
  addAction(action: FeatureAction): IDisposable;
  /** Add a column to the feature table; it shows where there is room, and can be chosen. */
  addColumn(column: FeatureColumn): IDisposable;
  /** What was selected last, in any panel, notebook or kernel; null before. */
  readonly selected: Selected | null;
  /** Another feature, text or set of marks was chosen, or another notebook was turned to. */
  readonly selectionChanged: ISignal<ISaescope, Selected | null>;
}

export const ISaescope = new Token<ISaescope>(
  "@saescope/labextension:ISaescope",
  "Adds panels, actions and columns to saescope, and tells what is selected.",
);
