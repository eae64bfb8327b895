import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { buildStatus } from "./buildStatus";
import { demo } from "./demo";
import { drop } from "./drop";
import { api, extras } from "./extras";
import { featureCell } from "./featureCell";
import { firing } from "./firing";
import { labHost } from "./labHost";
import { mimeRenderer } from "./mime";
import { open } from "./open";
import { preferences } from "./preferences";
import { registry } from "./registry";
import { sidebar } from "./sidebar";
import { starters } from "./starters";

export * from "./api";

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  extras,
  preferences,
  registry,
  labHost,
  mimeRenderer,
  sidebar,
  open,
  firing,
  starters,
  featureCell,
  drop,
  buildStatus,
  demo,
  api,
];

export default plugins;
