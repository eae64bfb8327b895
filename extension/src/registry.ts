import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ILines, Lines } from "./lines";

/** Knows the lines to kernels; all other plugins ask it. */
export const registry: JupyterFrontEndPlugin<Lines> = {
  id: "@saescope/labextension:lines",
  description: "The lines to the kernels of open notebooks.",
  autoStart: true,
  requires: [INotebookTracker],
  provides: ILines,
  activate: (_app: JupyterFrontEnd, notebooks: INotebookTracker) => new Lines(notebooks),
};
