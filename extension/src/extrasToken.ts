import { Token } from "@lumino/coreutils";
import type { Extras } from "@saescope/panels";

export const IExtras = new Token<Extras>("@saescope/labextension:IExtras", "What other labextensions add.");
