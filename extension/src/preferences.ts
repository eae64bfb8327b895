import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { Token } from "@lumino/coreutils";
import { Preferences } from "./chosen";

export const SETTINGS = "@saescope/labextension:plugin";

export const IPreferences = new Token<Preferences>(
  "@saescope/labextension:IPreferences",
  "What a person set for saescope.",
);

/** Reads the settings, and shades tokens as they say. */
export const preferences: JupyterFrontEndPlugin<Preferences> = {
  id: SETTINGS,
  description: "The settings of saescope.",
  autoStart: true,
  provides: IPreferences,
  optional: [ISettingRegistry],
  activate(_app: JupyterFrontEnd, registry: ISettingRegistry | null): Preferences {
    const made = new Preferences();
    made.changed.connect((_made, { shading }) => {
      document.body.dataset["saescopeShading"] = shading;
    });
    void registry
      ?.load(SETTINGS)
      .then((settings) => {
        const take = () => made.take(settings.composite as Record<string, unknown>);
        settings.changed.connect(take);
        take();
      })
      .catch((reason: unknown) =>
        Notification.warning(`The settings of saescope could not be read. ${String(reason)}`),
      );
    return made;
  },
};
