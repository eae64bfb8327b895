import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { insertCode } from "./cells";
import { placeOf } from "./dropPlace";

const ABOVE = "saescope-drop-above";
const BELOW = "saescope-drop-below";

/** Takes features that are dragged into a notebook. */
class DropZone {
  readonly #panel: NotebookPanel;
  #marked: HTMLElement | undefined;

  constructor(panel: NotebookPanel) {
    this.#panel = panel;
    const { node } = panel.content;
    node.addEventListener("dragenter", this.#onOver, true);
    node.addEventListener("dragover", this.#onOver, true);
    node.addEventListener("dragleave", this.#onLeave, true);
    node.addEventListener("dragend", () => this.#mark(undefined), true);
    node.addEventListener("drop", this.#onDrop, true);
  }

  readonly #onOver = (event: DragEvent): void => {
    const place = placeOf(event);
    if (!place || this.#panel.content.model?.readOnly) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    this.#mark(place.cell, place.isBelow);
  };

  readonly #onLeave = (event: DragEvent): void => {
    const { node } = this.#panel.content;
    if (!(event.relatedTarget instanceof Node) || !node.contains(event.relatedTarget)) this.#mark(undefined);
  };

  readonly #onDrop = (event: DragEvent): void => {
    const place = placeOf(event);
    const code = event.dataTransfer?.getData("text/plain");
    this.#mark(undefined);
    if (!place || !code) return;
    event.preventDefault();
    event.stopPropagation();
    const { widgets } = this.#panel.content;
    const at = widgets.findIndex((cell) => cell.node === place.cell);
    insertCode(this.#panel, at < 0 ? widgets.length : at + Number(place.isBelow), code);
  };

  #mark(cell: HTMLElement | undefined, isBelow = false): void {
    if (this.#marked !== cell) this.#marked?.classList.remove(ABOVE, BELOW);
    this.#marked = cell;
    cell?.classList.toggle(BELOW, isBelow);
    cell?.classList.toggle(ABOVE, !isBelow);
  }
}

/** A feature that is dragged from a panel into a notebook becomes the call that shows it, in a cell of its own. */
export const drop: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:drop",
  description: "Takes features that are dragged into a notebook.",
  autoStart: true,
  requires: [INotebookTracker],
  activate(_app: JupyterFrontEnd, notebooks: INotebookTracker) {
    const add = (panel: NotebookPanel) => void new DropZone(panel);
    notebooks.forEach(add);
    notebooks.widgetAdded.connect((_tracker, panel) => add(panel));
  },
};
