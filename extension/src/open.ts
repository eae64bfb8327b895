import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { ICommandPalette, InputDialog, MainAreaWidget, WidgetTracker } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ITranslator, nullTranslator, type TranslationBundle } from "@jupyterlab/translation";
import { UUID } from "@lumino/coreutils";
import { type Host, PANELS, TAB_NAMES } from "@saescope/panels";
import { Binding } from "./binding";
import { insertStarter } from "./cells";
import { CATEGORY, COMMANDS, NO_ARGS } from "./commands";
import { saescopeIcon } from "./icon";
import { DOMAIN, IHost } from "./labHost";
import { namesOf } from "./line";
import { ILines, type Lines } from "./lines";
import { revive } from "./revive";
import { ScopeTab, type TabArgs } from "./scopeTab";
import type { Remedy } from "./words";

const SAVE_AFTER_MS = 500;

type Tab = MainAreaWidget<ScopeTab>;

/** What `saescope:open` takes; all of it may be left out. */
export interface OpenArgs extends Partial<TabArgs> {
  /** Changes of the browser's state, such as `{tab: "try_it"}`. */
  change?: Record<string, unknown>;
  /** Show a tab of this scope that is there already. */
  reuses?: boolean;
}

const ARGS = {
  args: {
    type: "object",
    properties: {
      path: { type: "string", description: "The notebook whose kernel holds the scope; the active one." },
      scope: { type: "string", description: "The scope's id; asked for when there are several." },
      key: { type: "string", description: "The same model, SAE, site and index in any kernel." },
      id: { type: "string" },
      state: { type: "object" },
      change: { type: "object", description: 'Changes of the browser\'s state, such as {"tab": "try_it"}.' },
      reuses: { type: "boolean", description: "Show a tab of this scope that is open already." },
    },
  },
};

class Tabs {
  readonly tracker = new WidgetTracker<Tab>({ namespace: "saescope" });
  readonly #app: JupyterFrontEnd;
  readonly #notebooks: INotebookTracker;
  readonly #lines: Lines;
  readonly #host: Host;
  readonly #trans: TranslationBundle;
  readonly #isLab: boolean;

  constructor(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    lines: Lines,
    host: Host,
    trans: TranslationBundle,
    isLab: boolean,
  ) {
    this.#app = app;
    this.#notebooks = notebooks;
    this.#lines = lines;
    this.#host = host;
    this.#trans = trans;
    this.#isLab = isLab;
  }

  async open(args: OpenArgs): Promise<Tab | null> {
    const path = args.path ?? this.#notebooks.currentWidget?.context.path;
    if (path === undefined) return null;
    const isNamed = args.scope !== undefined || args.key !== undefined;
    const asked = isNamed || args.id !== undefined ? args : await this.#ask(path);
    if (!asked) return null;
    const found = args.reuses ? this.#find(path, asked.scope) : undefined;
    const tab = found ?? this.#add({ ...args, path, scope: asked.scope, key: asked.key });
    if (args.change) tab.content.change(args.change);
    if (args.state === undefined || found) this.#app.shell.activateById(tab.id);
    return tab;
  }

  /** Which scope, of several; any, where there is one or none yet; nothing when the person goes back. */
  async #ask(path: string): Promise<{ scope?: string; key?: string } | undefined> {
    const panel = this.#lines.notebookAt(path);
    const scopes = panel ? this.#lines.of(panel).scopes : [];
    const [first] = scopes;
    if (scopes.length < 2) return first ? { scope: first.id, key: first.key } : {};
    const names = namesOf(scopes);
    const { value, button } = await InputDialog.getItem({
      title: this.#trans.__("Open which scope?"),
      label: this.#trans.__("Scopes of %1, the newest first", path),
      items: names,
      okLabel: this.#trans.__("Open"),
    });
    const scope = button.accept ? scopes[names.indexOf(value ?? "")] : undefined;
    return scope && { scope: scope.id, key: scope.key };
  }

  #find(path: string, scope: string | undefined): Tab | undefined {
    return this.tracker.find(
      ({ content }) => content.binding.path === path && (!scope || content.scope?.id === scope),
    );
  }

  #add(args: OpenArgs & { path: string }): Tab {
    const { path, scope, key, state } = args;
    const id = args.id ?? `lab-${UUID.uuid4()}`;
    const binding = new Binding(path, this.#lines, this.#notebooks, this.#app.serviceManager.sessions);
    const content = new ScopeTab({
      args: { path, scope, key, id, state },
      binding,
      host: this.#host,
      trans: this.#trans,
      remedy: (what, at) => void this.#cure(what, at),
    });
    content.title.icon = saescopeIcon;
    const tab = new MainAreaWidget({ content });
    tab.id = `saescope-${id}`;
    tab.toolbar.hide();
    tab.title.closable = true;
    const tell = () => {
      tab.node.dataset["saescopeNotebook"] = binding.path;
    };
    tell();
    binding.changed.connect(tell);
    this.#track(tab);
    const ref = this.#lines.notebookAt(path)?.id;
    const beside = ref && state === undefined ? { mode: "split-right" as const, ref } : {};
    this.#app.shell.add(tab, this.#isLab ? "main" : "right", { ...beside, activate: false });
    return tab;
  }

  /** Save what brings it back, a moment after it changed. */
  #track(tab: Tab): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    tab.content.saved.connect(() => {
      clearTimeout(timer);
      timer = setTimeout(() => !tab.isDisposed && void this.tracker.save(tab), SAVE_AFTER_MS);
    });
    tab.disposed.connect(() => clearTimeout(timer));
    void this.tracker.add(tab);
  }

  async #cure(remedy: Remedy, path: string): Promise<void> {
    const panel = this.#lines.notebookAt(path);
    if (remedy === "restart" && panel) {
      await revive(panel.sessionContext, this.#trans);
      return;
    }
    await this.#app.commands.execute("docmanager:open", { path });
    if (remedy === "starter" && panel) insertStarter(panel);
  }
}

/** "Open saescope": the whole browser as a tab of the main area, beside the notebook. */
export const open: JupyterFrontEndPlugin<void> = {
  id: "@saescope/labextension:open",
  description: "Opens the whole browser in the main area, and brings it back after a reload.",
  autoStart: true,
  requires: [INotebookTracker, ILines, IHost],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ITranslator],
  activate(
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    lines: Lines,
    host: Host,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ) {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const tabs = new Tabs(app, notebooks, lines, host, trans, labShell !== null);
    app.commands.addCommand(COMMANDS.open, {
      label: trans.__("Open saescope"),
      caption: trans.__("The whole browser beside the notebook, on a scope of its kernel"),
      icon: saescopeIcon,
      isEnabled: () => notebooks.currentWidget !== null,
      execute: (args) => tabs.open(args as OpenArgs),
      describedBy: ARGS,
    });
    app.commands.addCommand(COMMANDS.openPanel, {
      label: ({ tab }) => {
        const panel = PANELS[String(tab)];
        return panel ? trans.__("Open saescope: %1", panel.title) : trans.__("Open a panel of saescope");
      },
      caption: ({ tab }) => PANELS[String(tab)]?.about ?? "",
      isEnabled: () => notebooks.currentWidget !== null,
      execute: ({ tab }) => tabs.open({ reuses: true, change: { tab } }),
      describedBy: {
        args: {
          type: "object",
          required: ["tab"],
          properties: { tab: { enum: TAB_NAMES, description: "The panel's name." } },
        },
      },
    });
    app.commands.addCommand(COMMANDS.exportFindings, {
      label: trans.__("Export saescope findings…"),
      caption: trans.__("Write features and what was found as a notebook, a page, or for other tools"),
      isEnabled: () => notebooks.currentWidget !== null,
      execute: () => tabs.open({ reuses: true, change: { tab: "share" } }),
      describedBy: NO_ARGS,
    });
    for (const command of [COMMANDS.open, COMMANDS.exportFindings])
      palette?.addItem({ command, category: CATEGORY });
    for (const tab of TAB_NAMES)
      palette?.addItem({ command: COMMANDS.openPanel, category: CATEGORY, args: { tab } });
    const restored = "saescope:restore-tab";
    app.commands.addCommand(restored, {
      label: trans.__("Restore a saescope tab"),
      isVisible: () => false,
      execute: (args) => tabs.open({ state: {}, ...args } as OpenArgs),
      describedBy: ARGS,
    });
    if (restorer)
      void restorer.restore(tabs.tracker, {
        command: restored,
        args: ({ content }) => JSON.parse(JSON.stringify(content.args)),
        name: ({ content }) => content.args.id,
        when: notebooks.restored,
      });
  },
};
