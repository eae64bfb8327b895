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

/** Put a cell at a place of a notebook, make it the active one, and leave the focus where it is; runs nothing. */
export function insertCode(panel: NotebookPanel, index: number, code: string): boolean {
  const notebook = panel.content;
  const model = notebook.model;
  if (!model || model.readOnly) return false;
  const at = Math.max(0, Math.min(index, model.sharedModel.cells.length));
  model.sharedModel.insertCell(at, { cell_type: "code", source: code, metadata: {}, outputs: [] });
  notebook.activeCellIndex = at;
  notebook.deselectAll();
  void notebook.scrollToItem(at, "smart").catch(() => {});
  return true;
}

/** The number of the cell that an element stands in. */
export function cellAt(panel: NotebookPanel, element: Element | null): number | undefined {
  if (!element) return undefined;
  const found = panel.content.widgets.findIndex((cell) => cell.node.contains(element));
  return found < 0 ? undefined : found;
}
