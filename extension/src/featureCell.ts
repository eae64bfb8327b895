import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { type Host, showCall } from "@saescope/panels";
import { CATEGORY, COMMANDS } from "./commands";
import { DOMAIN, IHost } from "./labHost";

/** "Insert a cell that shows the feature", for whoever does not drag it. */
export const featureCell: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:feature-cell",
  description: "Inserts a cell that shows a feature.",
  autoStart: true,
  requires: [IHost],
  optional: [ICommandPalette, ITranslator],
  activate(
    app: JupyterFrontEnd,
    host: Host,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const pointed = () => app.contextMenuHitTest((node) => node.dataset["drag"] !== undefined);
    const active = () =>
      document.activeElement?.closest(".saescope")?.querySelector<HTMLElement>("[data-page-feature]");
    const find = (): { feature: number; from: HTMLElement } | undefined => {
      const from = pointed() ?? active() ?? undefined;
      const feature = Number(from?.dataset["drag"] ?? from?.dataset["pageFeature"] ?? Number.NaN);
      return from && Number.isInteger(feature) ? { feature, from } : undefined;
    };
    app.commands.addCommand(COMMANDS.insertFeature, {
      label: () => {
        const found = find();
        return found
          ? trans.__("Insert a Cell That Shows Feature %1", found.feature)
          : trans.__("Insert a Cell That Shows the Feature");
      },
      caption: trans.__("Below the active cell, or below the panel's own; it does not run"),
      isEnabled: ({ feature }) => typeof feature === "number" || find() !== undefined,
      execute: ({ feature }) => {
        const found = find();
        const wanted = typeof feature === "number" ? feature : found?.feature;
        const from = found?.from ?? document.body;
        if (wanted !== undefined) host.insertCell?.(showCall(wanted, from), from);
      },
      describedBy: {
        args: {
          type: "object",
          properties: { feature: { type: "integer", description: "Its number; the one pointed at." } },
        },
      },
    });
    palette?.addItem({ command: COMMANDS.insertFeature, category: CATEGORY });
  },
};
