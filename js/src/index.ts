export { addStyle, type MountOptions, mount } from "./mount.js";
export { PANELS, type PanelSpec, type PanelView, type ViewProps } from "./panels/index.js";
export { type Snapshot, snapshotPort } from "./ports/snapshot.js";
export { together } from "./ports/together.js";
export { Client, isQuiet, type Port, RequestError, type Status } from "./protocol/client.js";
export type * from "./protocol/generated.js";
export { PROTOCOL } from "./protocol/generated.js";
