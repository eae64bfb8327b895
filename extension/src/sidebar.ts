import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IStateDB } from "@jupyterlab/statedb";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import type { Host } from "@saescope/panels";
import { insertStarter } from "./cells";
import { CATEGORY, COMMANDS, NO_ARGS } from "./commands";
import { saescopeIcon } from "./icon";
import { DOMAIN, IHost } from "./labHost";
import { ILines, type Lines } from "./lines";
import { revive } from "./revive";
import { Shelf } from "./shelf";
import { SideBar } from "./sideBarWidget";

/** The left side bar: the scopes of the active notebook's kernel. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:sidebar",
  description: "Shows the scopes of the active notebook's kernel in the left side bar.",
  autoStart: true,
  requires: [INotebookTracker, ILines, IHost],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator, IStateDB],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    lines: Lines,
    host: Host,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
    db: IStateDB | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const shelf = new Shelf(db, "saescope:side-bar");
    const widget = new SideBar({
      host,
      shelf,
      trans,
      remedy: (remedy) => {
        const panel = notebooks.currentWidget;
        if (!panel) return;
        if (remedy === "restart") void revive(panel.sessionContext, trans);
        else if (remedy === "starter") insertStarter(panel);
        else app.shell.activateById(panel.id);
      },
      open: () => {
        const { scope } = widget;
        void app.commands.execute(COMMANDS.open, scope ? { scope: scope.id, key: scope.key } : {});
      },
    });
    widget.id = "saescope-sidebar";
    widget.title.icon = saescopeIcon;
    widget.title.caption = "saescope";
    app.shell.add(widget, "left", { rank: 650 });
    restorer?.add(widget, "saescope-sidebar");

    const follow = () => widget.follow(lines.current);
    void Promise.all([app.restored, shelf.ready]).then(() => {
      follow();
      notebooks.currentChanged.connect(follow);
    });

    app.commands.addCommand(COMMANDS.sideBar, {
      label: trans.__("Show saescope Side Bar"),
      caption: trans.__("Browse the features of the scope in the active notebook"),
      icon: saescopeIcon,
      execute: () => app.shell.activateById(widget.id),
      describedBy: NO_ARGS,
    });
    palette?.addItem({ command: COMMANDS.sideBar, category: CATEGORY });
    app.commands.addCommand(COMMANDS.settings, {
      label: trans.__("saescope Settings"),
      isVisible: () => app.commands.hasCommand("settingeditor:open"),
      execute: () => app.commands.execute("settingeditor:open", { query: "saescope" }),
      describedBy: NO_ARGS,
    });
    palette?.addItem({ command: COMMANDS.settings, category: CATEGORY });
  },
};
