import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IStatusBar } from "@jupyterlab/statusbar";
import { Widget } from "@lumino/widgets";
import { ISaescope, type PluginAt, type Selected } from "@saescope/labextension";

const PANEL = "next_tokens";

/** For each feature the share of its examples that go on with a token it promotes. */
async function shares(features: readonly number[], at: PluginAt): Promise<(number | null)[]> {
  const found = await at.answer(PANEL, "shares", { features });
  return found["shares"] as (number | null)[];
}

const asPercent = (share: number | null) => (share === null ? null : `${(100 * share).toFixed(0)} %`);

/** Tells the feature that is selected, in whichever notebook. */
function statusOf(saescope: ISaescope): Widget {
  const item = new Widget();
  item.addClass("jp-StatusBar-TextItem");
  item.addClass("saescope-next-status");
  const tell = (selected: Selected | null) => {
    const isChosen = selected !== null && selected.feature !== null;
    item.node.textContent = isChosen ? `Feature ${selected.feature} of ${selected.scope.name}` : "";
  };
  saescope.selectionChanged.connect((_saescope, selected) => tell(selected));
  tell(saescope.selected);
  return item;
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: "saescope-next:plugin",
  description: "Adds to saescope: what comes next where a feature fires.",
  autoStart: true,
  requires: [ISaescope],
  optional: [IStatusBar],
  activate(app: JupyterFrontEnd, saescope: ISaescope, statusBar: IStatusBar | null) {
    saescope.addAction({
      name: "next-tokens",
      label: "What comes next",
      title: "Open the panel of the tokens that come next where the feature fires.",
      run: async (feature, at) => {
        await at.ask("scope.select", { feature });
        await app.commands.execute("saescope:open-panel", { tab: PANEL });
      },
    });
    saescope.addColumn({
      name: "next-hits",
      label: "next hits",
      title:
        "Of its strongest stored examples, at most 50, the share that goes on with a token the feature promotes.",
      width_px: 64,
      values: async (features, at) => (await shares(features, at)).map(asPercent),
    });
    statusBar?.registerStatusItem("saescope-next:selected", { item: statusOf(saescope), align: "left" });
  },
};

export default plugin;
