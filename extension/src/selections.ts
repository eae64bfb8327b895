import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import type { Client, ScopeInfo } from "@saescope/panels";
import type { Selected } from "./api";
import type { KernelLine } from "./line";
import type { Lines } from "./lines";

type News = { scope: string; feature?: number | null; picked?: number[] | null; text?: string | null };
type Heard = Pick<Selected, "feature" | "picked" | "text">;

const NOTHING: Heard = { feature: null, picked: [], text: "" };

/** What is selected in the scopes of one kernel, as its line hears of it. */
class LineSelections {
  readonly line: KernelLine;
  readonly client: Client;
  readonly #heard = new Map<string, Heard>();
  readonly #tell: (isNews: boolean) => void;
  readonly #off: () => void;
  /** The scope in which something was selected last. */
  latest: string | undefined;

  constructor(line: KernelLine, client: Client, tell: (isNews: boolean) => void) {
    this.line = line;
    this.client = client;
    this.#tell = tell;
    this.#off = client.onNotify("selection", (data) => this.#hear(data as unknown as News, true));
    this.greet();
  }

  /** Ask what is selected in scopes that are not known yet. */
  greet(): void {
    for (const { id } of this.line.scopes) {
      if (this.#heard.has(id)) continue;
      this.#heard.set(id, NOTHING);
      this.client.request("scope.selection", { scope: id }).then(
        ({ data }) => this.#hear(data as unknown as News, false),
        () => this.#heard.delete(id),
      );
    }
  }

  get shown(): { scope: ScopeInfo; heard: Heard } | undefined {
    const { scopes } = this.line;
    const scope = scopes.find(({ id }) => id === this.latest) ?? scopes[0];
    return scope && { scope, heard: this.#heard.get(scope.id) ?? NOTHING };
  }

  end(): void {
    this.#off();
  }

  #hear({ scope, feature, picked, text }: News, isNews: boolean): void {
    const before = this.#heard.get(scope) ?? NOTHING;
    this.#heard.set(scope, {
      feature: feature ?? before.feature,
      picked: picked ?? before.picked,
      text: text ?? before.text,
    });
    if (isNews) this.latest = scope;
    this.#tell(isNews);
  }
}

/** What is selected, over all kernels: there where a person did something last. */
export class Selections implements IDisposable {
  readonly #lines: Lines;
  readonly #byLine = new Map<KernelLine, LineSelections>();
  readonly #changed = new Signal<this, Selected | null>(this);
  #current: KernelLine | undefined;
  #last: KernelLine | undefined;
  #selected: Selected | null = null;
  #isDisposed = false;

  constructor(lines: Lines) {
    this.#lines = lines;
    lines.changed.connect(this.#follow, this);
    this.#follow();
  }

  get selected(): Selected | null {
    return this.#selected;
  }

  get changed(): ISignal<this, Selected | null> {
    return this.#changed;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#lines.changed.disconnect(this.#follow, this);
    for (const heard of this.#byLine.values()) heard.end();
    Signal.clearData(this);
  }

  #follow(): void {
    const { all, current } = this.#lines;
    if (current !== this.#current) this.#last = current;
    this.#current = current;
    for (const [line, heard] of this.#byLine) {
      const { state } = line;
      if (all.includes(line) && state.kind === "open" && state.client === heard.client) continue;
      heard.end();
      this.#byLine.delete(line);
    }
    for (const line of all) {
      const known = this.#byLine.get(line);
      if (known) known.greet();
      else if (line.state.kind === "open")
        this.#byLine.set(
          line,
          new LineSelections(line, line.state.client, (isNews) => this.#hear(line, isNews)),
        );
    }
    this.#update();
  }

  #hear(line: KernelLine, isNews: boolean): void {
    if (isNews) this.#last = line;
    this.#update();
  }

  #update(): void {
    const next = this.#read();
    if (isSame(next, this.#selected)) return;
    this.#selected = next;
    this.#changed.emit(next);
  }

  #read(): Selected | null {
    const line = this.#last;
    const shown = line && this.#byLine.get(line)?.shown;
    if (!line || !shown || line.state.kind !== "open") return null;
    const { kernel } = line.state;
    return { scope: shown.scope, ...shown.heard, kernel, notebook: this.#lines.pathOf(line) };
  }
}

function isSame(a: Selected | null, b: Selected | null): boolean {
  if (!a || !b) return a === b;
  const isOne = a.scope.id === b.scope.id && a.kernel === b.kernel && a.notebook === b.notebook;
  return isOne && a.feature === b.feature && a.text === b.text && a.picked.join() === b.picked.join();
}
