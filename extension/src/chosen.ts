import { type ISignal, Signal } from "@lumino/signaling";

export interface Chosen {
  /** Tokens on each side of the peak; 0 for the whole window. */
  context: number;
  k: number;
  shading: string;
  notesFolder: string;
  model: string;
  sae: string;
  showsBuild: boolean;
}

export const USUAL: Chosen = {
  context: 16,
  k: 20,
  shading: "green",
  notesFolder: "",
  model: "",
  sae: "",
  showsBuild: true,
};

/** What a person set in the settings editor; as it begins, until that is known. */
export class Preferences {
  readonly #changed = new Signal<this, Chosen>(this);
  #chosen = USUAL;

  get chosen(): Chosen {
    return this.#chosen;
  }

  get changed(): ISignal<this, Chosen> {
    return this.#changed;
  }

  /** Take settings; what is missing or of another type stays as it begins. */
  take(composite: Record<string, unknown>): void {
    const taken = Object.entries(USUAL).map(([name, usual]) => {
      const given = composite[name];
      return [name, typeof given === typeof usual ? given : usual];
    });
    this.#chosen = Object.fromEntries(taken) as Chosen;
    this.#changed.emit(this.#chosen);
  }

  /** With what new panels begin. */
  get defaults(): Record<string, Record<string, unknown>> {
    const { context, k } = this.#chosen;
    return { feature: { context, k } };
  }
}
