import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { PageConfig } from "@jupyterlab/coreutils";
import { INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";

/**
 * `saescope demo` asks for its notebook's panels: run it once, in a kernel that has run nothing.
 *
 * It is saved then, so that its panels are there again when the page is loaded again. Only the command that starts the server says which notebook that is; no notebook and no address can.
 */
export const demo: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:demo",
  description: "Runs the notebook that `saescope demo` opens.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_app: JupyterFrontEnd, notebooks: INotebookTracker) => {
    const path = PageConfig.getOption("saescopeDemo");
    if (!path) return;
    notebooks.widgetAdded.connect((_, panel) => {
      if (panel.context.path === path) void run(panel);
    });
  },
};

async function run(panel: NotebookPanel): Promise<void> {
  const { content, context, sessionContext } = panel;
  await Promise.all([context.ready, panel.revealed, sessionContext.ready]);
  const reply = await sessionContext.session?.kernel?.requestExecute({ code: "", silent: true }).done;
  if (reply?.content.execution_count) return;
  const cells = content.widgets.filter((cell) => cell.model.type === "code");
  await NotebookActions.runCells(content, cells, sessionContext);
  await context.save();
}
