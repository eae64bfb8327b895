import type { Client } from "../protocol/client.js";
import type { Selection } from "../protocol/generated.js";
import type { TableQuery } from "./query.js";

/** Reads what is shown of a feature, at once where it is chosen, else when there is time. */
export type Reader = (feature: number, isChosen: boolean) => void;

const SEND_AFTER_MS = 120;

/** Moves one feature on or back, in the order of whoever has one. */
export type Stepper = (delta: 1 | -1) => void;

/**
 * What the open panels of a scope have in common: the feature they show, those picked, a text.
 * A change made here is told to the kernel, which tells every other panel; what comes from there is not told on.
 */
export class Shared {
  feature: number | undefined;
  picked: readonly number[] = [];
  text = "";
  /** Set by the table while it is open: j and k go by its order. */
  stepper: Stepper | undefined;
  /** Set by the page while it is open: reads the page of a feature before it is shown. */
  reader: Reader | undefined;
  /** What the table beside this shows, while one is open. */
  table: TableQuery | undefined;
  readonly scope: string;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  readonly #off: () => void;
  /** Whether it is known what is selected. */
  #isHeard = false;
  #first: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #past: number[] = [];
  #future: number[] = [];

  constructor(client: Client, scope: string, feature?: number) {
    this.#client = client;
    this.scope = scope;
    this.feature = feature;
    this.#off = client.onNotify("selection", (data) => this.#hear(data as unknown as Selection));
    client
      .request("scope.selection", { scope })
      .then(({ data }) => this.#hear({ ...data, feature: this.feature === undefined ? data.feature : null }))
      .catch(() => {})
      .finally(() => {
        this.#isHeard = true;
        if (this.#first !== undefined) this.open(this.#first);
      });
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    this.#off();
    this.#listeners.clear();
  }

  /** Show a feature here and in every panel that follows. */
  choose(feature: number): void {
    if (feature !== this.feature) this.reader?.(feature, true);
    this.#move(feature);
    this.#sendLater(feature);
  }

  /** A feature is likely to be chosen next: what will be shown of it is read ahead. */
  expect(feature: number): void {
    if (feature !== this.feature) this.reader?.(feature, false);
  }

  /** Show a feature that nobody chose, such as the first of a table, unless one is selected: nobody else is told. */
  open(feature: number): void {
    if (this.feature !== undefined) return;
    this.#first ??= feature;
    if (!this.#isHeard) return;
    this.feature = feature;
    this.#tell();
  }

  /** Mark features, in place of those marked before. */
  pick(features: readonly number[]): void {
    this.picked = [...new Set(features)];
    this.#tell();
    this.#send({ picked: [...this.picked] });
  }

  /** Mark a feature, or take the mark away. */
  togglePicked(feature: number): void {
    const others = this.picked.filter((f) => f !== feature);
    this.pick(others.length < this.picked.length ? others : [...others, feature]);
  }

  /** The table tells what it shows; nothing when it closes. */
  setTable(query: TableQuery | undefined): void {
    if (JSON.stringify(query) === JSON.stringify(this.table)) return;
    this.table = query;
    this.#tell();
  }

  /** Try a text. */
  setText(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.#tell();
    this.#send({ text });
  }

  /** The features shown before, the latest last. */
  get past(): readonly number[] {
    return this.#past;
  }

  get canGoBack(): boolean {
    return this.#past.length > 0;
  }

  get canGoForward(): boolean {
    return this.#future.length > 0;
  }

  back(): void {
    this.#travel(this.#past, this.#future);
  }

  forward(): void {
    this.#travel(this.#future, this.#past);
  }

  #travel(from: number[], to: number[]): void {
    const feature = from.pop();
    if (feature === undefined) return;
    if (this.feature !== undefined) to.push(this.feature);
    this.feature = feature;
    this.#tell();
    this.#sendLater(feature);
  }

  /** When this page has what it asks for itself; of features that follow on each other soon, the last is told. */
  #sendLater(feature: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send({ feature }), SEND_AFTER_MS);
  }

  #move(feature: number): void {
    if (feature === this.feature) return;
    if (this.feature !== undefined) this.#past.push(this.feature);
    this.#future = [];
    this.feature = feature;
    this.#tell();
  }

  #hear({ scope, feature, picked, text }: Selection): void {
    if (scope !== this.scope) return;
    if (picked) this.picked = picked;
    if (typeof text === "string") this.text = text;
    if (typeof feature === "number") {
      clearTimeout(this.#timer);
      this.#move(feature);
    }
    this.#tell();
  }

  #send(change: { feature?: number; picked?: number[]; text?: string }): void {
    this.#client.request("scope.select", { scope: this.scope, ...change }).catch(() => {});
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
