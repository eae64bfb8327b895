import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { Token } from "@lumino/coreutils";
import { type Extras, type Host, registerHost } from "@saescope/panels";
import { cellAt, insertCode } from "./cells";
import type { Preferences } from "./chosen";
import { IExtras } from "./extrasToken";
import { ILines, type Lines } from "./lines";
import { IPreferences } from "./preferences";

export const DOMAIN = "saescope";
export const IHost = new Token<Host>("@saescope/labextension:IHost", "What JupyterLab does for panels.");

/** The notebook that a tab or the side bar shows, by its path. */
function pathOf(from: Element): string | undefined {
  return from.closest<HTMLElement>("[data-saescope-notebook]")?.dataset["saescopeNotebook"];
}

/** Lets every panel of the page, in cells too, insert cells and open files. */
export const labHost: JupyterFrontEndPlugin<Host> = {
  id: "@saescope/labextension:host",
  description: "Lets saescope panels insert cells and open files.",
  autoStart: true,
  provides: IHost,
  requires: [INotebookTracker, ILines, IPreferences, IExtras],
  optional: [ITranslator],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    lines: Lines,
    preferences: Preferences,
    extras: Extras,
    translator: ITranslator | null,
  ): Host {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const host: Host = {
      extras,
      insertCell(code, from) {
        const path = pathOf(from);
        const panel =
          lines.notebookOf(from) ?? (path === undefined ? notebooks.currentWidget : lines.notebookAt(path));
        if (!panel) {
          const what = path ?? trans.__("a notebook");
          Notification.warning(trans.__("No cell was inserted: open %1 first.", what), { autoClose: 5000 });
          return;
        }
        const at = cellAt(panel, from) ?? panel.content.activeCellIndex;
        if (!insertCode(panel, at + 1, code))
          Notification.warning(trans.__("No cell was inserted: %1 is read-only.", panel.context.path), {
            autoClose: 5000,
          });
      },
      openFile(path, from) {
        const notebook = pathOf(from) ?? lines.notebookOf(from)?.context.path ?? "";
        void app.commands.execute("docmanager:open", { path: PathExt.join(PathExt.dirname(notebook), path) });
      },
      get defaults() {
        return preferences.defaults;
      },
      onDefaults(listener) {
        const tell = () => listener();
        preferences.changed.connect(tell);
        return () => void preferences.changed.disconnect(tell);
      },
    };
    registerHost(host);
    return host;
  },
};
