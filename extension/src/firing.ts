import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import type { ScopeInfo } from "@saescope/panels";
import { CATEGORY, COMMANDS, NO_ARGS } from "./commands";
import { saescopeIcon } from "./icon";
import { DOMAIN } from "./labHost";
import type { KernelLine } from "./line";
import { ILines, type Lines } from "./lines";
import { type Selected, selectedText } from "./selection";

/** Where a selected text can be tried, or why it cannot. */
export type Subject =
  | { line: KernelLine; scope: ScopeInfo; path: string | undefined }
  | { why: "no-scope" | "no-model" };

/** The scope with a model that is nearest to a selection: of its own notebook, of the active one, of any. */
export function subjectOf(lines: Lines, from: Element | null): Subject {
  const own = lines.notebookOf(from);
  const ordered = [...(own ? [lines.of(own)] : []), ...lines.all];
  const open = ordered.filter((line) => line.state.kind === "open");
  for (const line of open) {
    const scope = line.scopes.find((s) => s.has_model);
    if (scope) return { line, scope, path: lines.pathOf(line) };
  }
  return { why: open.some((line) => line.scopes.length > 0) ? "no-model" : "no-scope" };
}

/** "Show the features that fire here", on a text that is selected in a cell, a document or an output. */
export const firing: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:firing",
  description: "Shows the features that fire on a selected text.",
  autoStart: true,
  requires: [INotebookTracker, ILines],
  optional: [ICommandPalette, ITranslator],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    lines: Lines,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    let pointed: Selected | undefined;
    const note = () => {
      pointed = selectedText(notebooks.currentWidget);
    };
    const forget = ({ target }: Event) => {
      if (!(target instanceof Element && target.closest(".lm-Menu"))) pointed = undefined;
    };
    document.addEventListener("pointerdown", forget, true);
    document.addEventListener("contextmenu", note, true);
    const selected = () => selectedText(notebooks.currentWidget) ?? pointed;
    const why = () => {
      const subject = subjectOf(lines, selected()?.from ?? null);
      if (!("why" in subject)) return "";
      return subject.why === "no-model"
        ? trans.__("no scope here has a model: load one with saescope.load")
        : trans.__("there is no scope: run a cell that makes one");
    };
    app.commands.addCommand(COMMANDS.firing, {
      label: () => {
        const reason = why();
        return reason
          ? trans.__("Show the Features That Fire Here (%1)", reason)
          : trans.__("Show the Features That Fire Here");
      },
      caption: trans.__("Try the selected text in saescope"),
      icon: saescopeIcon,
      isVisible: () => selected() !== undefined,
      isEnabled: () => selected() !== undefined && why() === "",
      execute: async () => {
        const found = selected();
        const subject = subjectOf(lines, found?.from ?? null);
        pointed = undefined;
        if (!found || "why" in subject) return;
        const { line, scope, path } = subject;
        if (line.state.kind !== "open" || path === undefined) return;
        await line.state.client.request("scope.select", { scope: scope.id, text: found.text });
        await app.commands.execute(COMMANDS.open, {
          path,
          scope: scope.id,
          key: scope.key,
          reuses: true,
          change: { tab: "try_it" },
        });
      },
      describedBy: NO_ARGS,
    });
    palette?.addItem({ command: COMMANDS.firing, category: CATEGORY });
    lines.changed.connect(() => app.commands.notifyCommandChanged(COMMANDS.firing));
  },
};
