export { FEATURE_TYPE, showCall } from "./data/drag.js";
export type { MountOptions, PanelHandle } from "./draw.js";
export { type Host, registerHost } from "./host.js";
export { mount } from "./mount.js";
export { PANELS, type PanelSpec, type PanelView, TAB_NAMES, type ViewProps } from "./panels/index.js";
export { findAt } from "./plugins/at.js";
export { Extras } from "./plugins/extras.js";
export { messageOf } from "./plugins/FeatureActions.js";
export type {
  FeatureAction,
  FeatureColumn,
  PluginAt,
  PluginNow,
  PluginPanel as AddedPanel,
  PluginSurface,
  PluginView,
} from "./plugins/surface.js";
export { type Snapshot, snapshotPort } from "./ports/snapshot.js";
export { together } from "./ports/together.js";
export { Client, isQuiet, type Port, RequestError, type Status } from "./protocol/client.js";
export type * from "./protocol/generated.js";
export { PROTOCOL } from "./protocol/generated.js";
export { buildText } from "./views/shell/BuildBar.js";
export { callName } from "./views/shell/FeatureName.js";
