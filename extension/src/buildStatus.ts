import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Dialog, ICommandPalette, Notification, showDialog } from "@jupyterlab/apputils";
import { IStatusBar } from "@jupyterlab/statusbar";
import { ITranslator, nullTranslator, type TranslationBundle } from "@jupyterlab/translation";
import { type ISignal, Signal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { buildText } from "@saescope/panels";
import { type Build, buildsOf } from "./builds";
import type { Preferences } from "./chosen";
import { CATEGORY, COMMANDS, NO_ARGS } from "./commands";
import { DOMAIN } from "./labHost";
import { ILines, type Lines } from "./lines";
import { IPreferences } from "./preferences";

/** How a build goes: what it does and how far it is, how fast, and how long still; and a button that stops it. */
class BuildItem extends Widget {
  readonly #text = document.createElement("span");
  readonly #stop = document.createElement("button");
  readonly #bar = document.createElement("span");
  readonly #trans: TranslationBundle;
  readonly #activeChanged = new Signal<this, void>(this);
  #isActive = false;

  constructor(trans: TranslationBundle, stop: () => void) {
    super();
    this.#trans = trans;
    this.addClass("saescope-status");
    this.#text.className = "saescope-status-text";
    this.#bar.className = "saescope-status-bar";
    this.#bar.setAttribute("role", "progressbar");
    this.#bar.setAttribute("aria-valuemin", "0");
    this.#bar.setAttribute("aria-valuemax", "100");
    this.#bar.append(document.createElement("span"));
    this.#stop.type = "button";
    this.#stop.textContent = trans.__("Stop");
    this.#stop.addEventListener("click", stop);
    this.node.append(this.#bar, this.#text, this.#stop);
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  get activeChanged(): ISignal<this, void> {
    return this.#activeChanged;
  }

  tell(builds: Build[]): void {
    const [first] = builds;
    if (first) this.#draw(first, builds.length - 1);
    if (this.#isActive === (first !== undefined)) return;
    this.#isActive = first !== undefined;
    this.#activeChanged.emit();
  }

  #draw({ building, scope }: Build, nOthers: number): void {
    const [work, pace] = buildText(building);
    const others = nOthers > 0 ? ` (+${nOthers})` : "";
    this.#text.textContent = [`saescope: ${work}`, pace].filter(Boolean).join(" · ") + others;
    this.node.title = this.#trans.__("An index of %1 is being built.", scope.model || scope.name);
    const share = building.total > 0 ? Math.min(1, building.done / building.total) : 0;
    this.#bar.setAttribute("aria-label", this.#trans.__("Building the index"));
    if (building.total > 0) this.#bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
    else this.#bar.removeAttribute("aria-valuenow");
    (this.#bar.firstElementChild as HTMLElement).style.width = `${100 * share}%`;
  }
}

/** A status-bar item while an index is built. */
export const buildStatus: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:build-status",
  description: "Tells in the status bar how the build of an index goes.",
  autoStart: true,
  requires: [ILines, IPreferences],
  optional: [IStatusBar, ICommandPalette, ITranslator],
  activate(
    app: JupyterFrontEnd,
    lines: Lines,
    preferences: Preferences,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const stop = async () => {
      const [build] = buildsOf(lines);
      if (build?.line.state.kind !== "open") return;
      const { client } = build.line.state;
      const { button } = await showDialog({
        title: trans.__("Stop building the index?"),
        body: trans.__("What was read so far stays, and the same call goes on from there."),
        buttons: [
          Dialog.cancelButton({ label: trans.__("Go on") }),
          Dialog.warnButton({ label: trans.__("Stop") }),
        ],
      });
      if (!button.accept) return;
      try {
        await client.request("build.stop", { scope: build.scope.id });
      } catch (reason) {
        Notification.error(trans.__("The build could not be stopped. %1", String(reason)), {
          autoClose: false,
        });
      }
    };
    app.commands.addCommand(COMMANDS.stopBuild, {
      label: trans.__("Stop Building the Index"),
      isEnabled: () => buildsOf(lines).length > 0,
      execute: stop,
      describedBy: NO_ARGS,
    });
    palette?.addItem({ command: COMMANDS.stopBuild, category: CATEGORY });
    if (!statusBar) return;
    const item = new BuildItem(trans, () => void stop());
    const tell = () => item.tell(preferences.chosen.showsBuild ? buildsOf(lines) : []);
    statusBar.registerStatusItem("saescope-build", {
      item,
      align: "left",
      rank: 50,
      isActive: () => item.isActive,
      activeStateChanged: item.activeChanged,
    });
    lines.changed.connect(tell);
    preferences.changed.connect(tell);
    tell();
  },
};
