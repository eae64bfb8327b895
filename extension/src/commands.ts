/** The commands of saescope, by what they do. */
export const COMMANDS = {
  open: "saescope:open",
  openPanel: "saescope:open-panel",
  exportFindings: "saescope:export-findings",
  sideBar: "saescope:show-side-bar",
  firing: "saescope:show-firing",
  newDemo: "saescope:new-demo-notebook",
  newModel: "saescope:new-model-notebook",
  pick: "saescope:pick",
  starter: "saescope:insert-starter",
  insertFeature: "saescope:insert-feature",
  stopBuild: "saescope:stop-build",
  settings: "saescope:open-settings",
} as const;

export const CATEGORY = "saescope";
export const NO_ARGS = { args: { type: "object", properties: {} } };
