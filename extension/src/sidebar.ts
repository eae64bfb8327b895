import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { saescopeIcon } from "./icon";
import { lineOf } from "./line";
import { SideBar } from "./sideBarWidget";
import { insertStarter } from "./starter";

const SHOW = "saescope:show-side-bar";

/** The left side bar: the scopes of the active notebook's kernel. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:sidebar",
  description: "Shows the scopes of the active notebook's kernel in the left side bar.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ILayoutRestorer, ICommandPalette],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
  ) {
    const widget = new SideBar(() => {
      const panel = notebooks.currentWidget;
      if (panel) insertStarter(panel);
    });
    widget.id = "saescope-sidebar";
    widget.title.icon = saescopeIcon;
    widget.title.caption = "saescope";
    app.shell.add(widget, "left", { rank: 650 });
    restorer?.add(widget, "saescope-sidebar");

    const follow = () => {
      const panel = notebooks.currentWidget;
      widget.follow(panel ? lineOf(panel) : undefined);
    };
    notebooks.currentChanged.connect(follow);
    void app.restored.then(follow);

    app.commands.addCommand(SHOW, {
      label: "Show saescope Side Bar",
      caption: "Browse the features of the scope in the active notebook",
      icon: saescopeIcon,
      execute: () => app.shell.activateById(widget.id),
      describedBy: { args: { type: "object", properties: {} } },
    });
    palette?.addItem({ command: SHOW, category: "saescope" });
  },
};
