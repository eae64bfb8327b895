import type { AnyPanel, PanelView, ViewProps } from "../../panels/panel.js";
import { page } from "../page/FeaturePage.js";
import { table } from "../table/FeatureTable.js";

/** What a person did in the browser: a state for each panel in it. */
type State = Record<string, unknown> & {
  panels: Record<string, Record<string, unknown>>;
};

/** The table of features beside the open feature's page. */
function Browser(props: ViewProps<State>) {
  const { state, update } = props;
  const part = (name: string, panel: AnyPanel) => ({
    state: { ...panel.initial, ...state.panels[name] },
    update: (change: object) =>
      update({ panels: { ...state.panels, [name]: { ...state.panels[name], ...change } } }),
  });
  return (
    <div class="ss-body">
      <table.View {...props} {...part("features", table)} />
      <page.View {...props} {...part("feature", page)} />
    </div>
  );
}

export const browser: PanelView<State> = {
  title: "Browser",
  about: "The feature table, the open feature's page, and all other panels.",
  View: Browser,
  initial: { panels: {} },
  height_px: 640,
  hasFeature: false,
  code: () => "scope.features",
};
