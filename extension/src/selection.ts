import type { NotebookPanel } from "@jupyterlab/notebook";

const MOST_LETTERS = 100_000;

/** A text that a person selected, and where. */
export interface Selected {
  text: string;
  from: Element | null;
}

/** What is selected on the page: in a document, an output or a cell's editor; nothing in fields and panels' boxes. */
export function selectedText(panel: NotebookPanel | null | undefined): Selected | undefined {
  const found = document.getSelection();
  const node = found?.anchorNode ?? null;
  const from = node instanceof Element ? node : (node?.parentElement ?? null);
  const text = found?.toString() ?? "";
  if (text.trim() !== "") return { text: text.slice(0, MOST_LETTERS), from };
  return inEditor(panel);
}

/** The selection of the active cell's editor: long cells are on the page only in part. */
function inEditor(panel: NotebookPanel | null | undefined): Selected | undefined {
  const editor = panel?.content.activeCell?.editor;
  if (!editor) return undefined;
  const { start, end } = editor.getSelection();
  const [a, b] = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
  const text = editor.model.sharedModel.getSource().slice(Math.min(a, b), Math.max(a, b));
  if (text.trim() === "") return undefined;
  return { text: text.slice(0, MOST_LETTERS), from: editor.host };
}
