import type { FeatureAction, FeatureColumn, PluginPanel } from "./surface.js";

type Named = { name: string };

/** What others add to the panels of this page. */
export class Extras {
  #panels: readonly PluginPanel[] = [];
  #actions: readonly FeatureAction[] = [];
  #columns: readonly FeatureColumn[] = [];
  readonly #listeners = new Set<() => void>();

  get panels(): readonly PluginPanel[] {
    return this.#panels;
  }

  get actions(): readonly FeatureAction[] {
    return this.#actions;
  }

  get columns(): readonly FeatureColumn[] {
    return this.#columns;
  }

  addPanel(panel: PluginPanel): () => void {
    this.#panels = added("panel", this.#panels, panel);
    return this.#told(() => {
      this.#panels = this.#panels.filter((other) => other !== panel);
    });
  }

  addAction(action: FeatureAction): () => void {
    this.#actions = added("action", this.#actions, action);
    return this.#told(() => {
      this.#actions = this.#actions.filter((other) => other !== action);
    });
  }

  addColumn(column: FeatureColumn): () => void {
    this.#columns = added("column", this.#columns, column);
    return this.#told(() => {
      this.#columns = this.#columns.filter((other) => other !== column);
    });
  }

  /** Hear of what is added and taken away. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #told(remove: () => void): () => void {
    this.#tell();
    return () => {
      remove();
      this.#tell();
    };
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function added<T extends Named>(what: string, all: readonly T[], one: T): readonly T[] {
  if (!/^[a-z][\w-]*$/i.test(one.name))
    throw new Error(
      `The name of a ${what} is letters, digits, - and _, and ${JSON.stringify(one.name)} came.`,
    );
  if (all.some(({ name }) => name === one.name))
    throw new Error(`There is a ${what} ${one.name} already: choose another name.`);
  return [...all, one];
}
