import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { DisposableDelegate, DisposableSet } from "@lumino/disposable";
import { Signal } from "@lumino/signaling";
import { Extras, type FeatureAction, findAt, messageOf, PANELS } from "@saescope/panels";
import { ISaescope, type Selected } from "./api";
import { IExtras } from "./extrasToken";
import { DOMAIN } from "./labHost";
import { ILines, type Lines } from "./lines";
import { Selections } from "./selections";

/** Holds what other labextensions add; panels draw from it. */
export const extras: JupyterFrontEndPlugin<Extras> = {
  id: "@saescope/labextension:extras",
  description: "Holds what other labextensions add to saescope.",
  autoStart: true,
  provides: IExtras,
  activate: () => new Extras(),
};

/** The token by which other labextensions add to saescope. */
export const api: JupyterFrontEndPlugin<ISaescope> = {
  id: "@saescope/labextension:api",
  description: "Lets other labextensions add panels, actions and columns, and hear what is selected.",
  autoStart: true,
  provides: ISaescope,
  requires: [IExtras, ILines],
  optional: [ITranslator],
  activate(app: JupyterFrontEnd, held: Extras, lines: Lines, translator: ITranslator | null): ISaescope {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const selections = new Selections(lines);
    const made: ISaescope = {
      addPanel(panel) {
        if (panel.name in PANELS) throw new Error(`saescope has a panel ${panel.name} of its own.`);
        return new DisposableDelegate(held.addPanel(panel));
      },
      addAction(action) {
        const all = DisposableSet.from([new DisposableDelegate(held.addAction(action))]);
        const command = `saescope:action-${action.name}`;
        const pointed = () => app.contextMenuHitTest((node) => node.dataset["drag"] !== undefined);
        all.add(
          app.commands.addCommand(command, {
            label: () => {
              const feature = pointed()?.dataset["drag"];
              return feature === undefined ? action.label : trans.__("%1: Feature %2", action.label, feature);
            },
            caption: action.title ?? "",
            isEnabled: () => pointed() !== undefined,
            execute: () => run(action, pointed()),
            describedBy: { args: { type: "object", properties: {} } },
          }),
        );
        all.add(app.contextMenu.addItem({ command, selector: ".saescope [data-drag]", rank: 51 }));
        return all;
      },
      addColumn: (column) => new DisposableDelegate(held.addColumn(column)),
      get selected() {
        return selections.selected;
      },
      get selectionChanged() {
        return changed;
      },
    };
    const changed = new Signal<ISaescope, Selected | null>(made);
    selections.changed.connect((_selections, selected) => changed.emit(selected));
    return made;
  },
};

/** Run an action on the feature pointed at; a fault in it is told, and goes no further. */
async function run(action: FeatureAction, node: HTMLElement | undefined): Promise<void> {
  const feature = Number(node?.dataset["drag"] ?? Number.NaN);
  const at = node && findAt(node);
  if (!at || !Number.isInteger(feature)) return;
  try {
    await action.run(feature, at);
  } catch (error) {
    Notification.error(`${action.label}: ${messageOf(error)}`, { autoClose: 8000 });
  }
}
