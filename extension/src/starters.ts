import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import { IDefaultFileBrowser } from "@jupyterlab/filebrowser";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker, NotebookActions } from "@jupyterlab/notebook";
import type { Contents, KernelSpec } from "@jupyterlab/services";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { insertCode, insertStarter } from "./cells";
import type { Preferences } from "./chosen";
import { CATEGORY, COMMANDS, NO_ARGS } from "./commands";
import { saescopeIcon } from "./icon";
import { DOMAIN } from "./labHost";
import { IPreferences } from "./preferences";
import { type Cells, demoCells, modelCells, notebookOf, PICK, pickCells } from "./templates";

const MOST_TRIES = 50;

const CWD = {
  args: { type: "object", properties: { cwd: { type: "string", description: "The folder to make it in." } } },
};

/** The kernel that runs Python: the default one, if it does. */
function pythonKernel(specs: KernelSpec.ISpecModels | null): { name: string; language: string } {
  const found = [specs?.kernelspecs[specs.default], ...Object.values(specs?.kernelspecs ?? {})].find(
    (spec) => spec?.language.toLowerCase() === "python",
  );
  return { name: found?.name ?? "python3", language: "python" };
}

/** Name a new file; with a number behind, where the name is taken. */
async function rename(contents: Contents.IManager, path: string, stem: string): Promise<string> {
  const folder = PathExt.dirname(path);
  const items = (await contents.get(folder, { content: true })).content as Contents.IModel[];
  const taken = new Set(items.map(({ name }) => name));
  for (let n = 1; n <= MOST_TRIES; n++) {
    const name = n === 1 ? `${stem}.ipynb` : `${stem}-${n}.ipynb`;
    if (!taken.has(name)) return (await contents.rename(path, PathExt.join(folder, name))).path;
  }
  return path;
}

/** Cards of the launcher, and commands, that make a notebook to start from; nothing runs in it unasked. */
export const starters: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:starters",
  description: "Makes starter notebooks: the demo, or one's own model.",
  autoStart: true,
  requires: [INotebookTracker, IPreferences],
  optional: [ILauncher, ICommandPalette, IDefaultFileBrowser, ITranslator],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    preferences: Preferences,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    files: IDefaultFileBrowser | null,
    translator: ITranslator | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { contents, kernelspecs } = app.serviceManager;
    const make = async (stem: string, cells: Cells, cwd: unknown) => {
      const path = typeof cwd === "string" ? cwd : (files?.model.path ?? "");
      await kernelspecs.ready;
      const { name, language } = pythonKernel(kernelspecs.specs);
      const made = await contents.newUntitled({ path, type: "notebook" });
      await contents.save(made.path, {
        type: "notebook",
        format: "json",
        content: notebookOf(cells, name, language),
      });
      const named = await rename(contents, made.path, stem);
      return app.commands.execute("docmanager:open", { path: named, factory: "Notebook", kernel: { name } });
    };
    const kinds: [string, string, string, string, () => Cells][] = [
      [
        COMMANDS.newDemo,
        trans.__("saescope Demo"),
        trans.__("A notebook with the bundled model and SAE; nothing runs until you run it"),
        "saescope-demo",
        () => demoCells(preferences.chosen),
      ],
      [
        COMMANDS.newModel,
        trans.__("saescope with Your Model"),
        trans.__(
          "A notebook that loads your model and SAE and builds an index; nothing runs until you run it",
        ),
        "saescope",
        () => modelCells(preferences.chosen),
      ],
    ];
    kinds.forEach(([command, label, caption, stem, cells], rank) => {
      app.commands.addCommand(command, {
        label: (args) => (args["isPalette"] ? trans.__("New Notebook: %1", label) : label),
        caption,
        icon: (args) => (args["isPalette"] ? undefined : saescopeIcon),
        execute: ({ cwd }) => make(stem, cells(), cwd),
        describedBy: CWD,
      });
      palette?.addItem({ command, category: CATEGORY, args: { isPalette: true } });
      launcher?.add({ command, category: "saescope", rank });
    });
    app.commands.addCommand(COMMANDS.pick, {
      label: (args) => (args["isPalette"] ? trans.__("Pick an SAE…") : trans.__("Pick an SAE")),
      caption: trans.__("Opens the picker of models and SAEs: below the active cell, else in a new notebook"),
      icon: (args) => (args["isPalette"] ? undefined : saescopeIcon),
      execute: ({ cwd }) => {
        const panel = notebooks.currentWidget;
        if (cwd !== undefined || !panel) return make("saescope-pick", pickCells(preferences.chosen), cwd);
        if (!insertCode(panel, panel.content.activeCellIndex + 1, PICK)) return;
        return NotebookActions.run(panel.content, panel.sessionContext);
      },
      describedBy: CWD,
    });
    palette?.addItem({ command: COMMANDS.pick, category: CATEGORY, args: { isPalette: true } });
    launcher?.add({ command: COMMANDS.pick, category: "saescope", rank: kinds.length });
    app.commands.addCommand(COMMANDS.starter, {
      label: trans.__("Insert a Starter Cell"),
      caption: trans.__("A cell that opens the bundled demo; it does not run until you run it"),
      isEnabled: () => notebooks.currentWidget !== null,
      execute: () => {
        const panel = notebooks.currentWidget;
        if (panel) insertStarter(panel);
      },
      describedBy: NO_ARGS,
    });
    palette?.addItem({ command: COMMANDS.starter, category: CATEGORY });
  },
};
