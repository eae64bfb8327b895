import { buildStatus } from "./buildStatus";
import { drop } from "./drop";
import { featureCell } from "./featureCell";
import { firing } from "./firing";
import { labHost } from "./labHost";
import { mimeRenderer } from "./mime";
import { open } from "./open";
import { preferences } from "./preferences";
import { registry } from "./registry";
import { sidebar } from "./sidebar";
import { starters } from "./starters";

export default [
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
];
