import { NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";

const STARTER = "import saescope\n\nscope = saescope.demo()\nscope.browse()";

/** Put a cell that shows the demo below the active one, or into it when it is empty; runs nothing. */
export function insertStarter(panel: NotebookPanel): void {
  const notebook = panel.content;
  const active = notebook.activeCell;
  if (active?.model.type !== "code" || active.model.sharedModel.source.trim() !== "") {
    NotebookActions.insertBelow(notebook);
  }
  notebook.activeCell?.model.sharedModel.setSource(STARTER);
  notebook.activate();
}
