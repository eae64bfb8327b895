import { Widget } from "@lumino/widgets";
import { mount, type Port, type ScopeInfo, type ScopeList } from "@saescope/panels";
import { choose, type KernelLine, type LineState } from "./line";

type Frame = { t?: string; topic?: string; scopes?: ScopeInfo[]; data?: ScopeList };

/** The side bar: a picker of scopes above the same view that cells show. */
export class SideBar extends Widget {
  readonly #head = document.createElement("div");
  readonly #picker = document.createElement("select");
  readonly #body = document.createElement("div");
  readonly #onStarter: () => void;
  #line: KernelLine | undefined;
  #port: Port | undefined;
  #scopes: ScopeInfo[] = [];
  #chosen: string | undefined;
  #listed = "";
  #shown: string | undefined;
  #unmount: (() => void) | undefined;
  #offFrame: (() => void) | undefined;

  constructor(onStarter: () => void) {
    super();
    this.#onStarter = onStarter;
    this.addClass("saescope-side");
    this.#head.className = "saescope-side-head";
    const title = document.createElement("span");
    title.className = "saescope-side-title";
    title.textContent = "saescope";
    this.#picker.setAttribute("aria-label", "Scope");
    this.#picker.addEventListener("change", () => {
      this.#chosen = this.#picker.value;
      this.#show();
    });
    this.#head.append(title, this.#picker);
    this.#body.className = "saescope-side-body saescope-fill";
    this.node.append(this.#head, this.#body);
    this.#note("none");
  }

  /** Follow the kernel behind a line, or none. */
  follow(line: KernelLine | undefined): void {
    if (line === this.#line) return;
    this.#line?.changed.disconnect(this.#onLine, this);
    this.#line = line;
    line?.changed.connect(this.#onLine, this);
    this.#take(line?.state ?? { kind: "none" });
  }

  /** What is drawn where nobody sees it takes the kernel from what they do see. */
  protected override onAfterShow(): void {
    if (this.#port) this.#show();
  }

  #onLine(_line: KernelLine, state: LineState): void {
    this.#take(state);
  }

  #take(state: LineState): void {
    this.#offFrame?.();
    this.#offFrame = undefined;
    this.#port = undefined;
    if (state.kind !== "open") {
      this.#scopes = [];
      this.#clear();
      this.#note(state.kind);
      return;
    }
    const port = state.port;
    this.#port = port;
    this.#offFrame = port.onFrame((raw) => {
      const frame = raw as Frame;
      if (frame.t === "hello") this.#hear(frame.scopes ?? []);
      if (frame.t === "notify" && frame.topic === "scopes") this.#hear(frame.data?.scopes ?? []);
    });
  }

  #hear(scopes: ScopeInfo[]): void {
    this.#scopes = scopes;
    this.#show();
  }

  #show(): void {
    const scope = choose(this.#scopes, this.#chosen);
    this.#fillPicker(scope);
    if (!scope || !this.#port) {
      this.#clear();
      this.#note("no-scope");
      return;
    }
    if (this.#unmount && this.#shown === scope.id) return;
    this.#clear();
    if (!this.isVisible) return;
    this.#shown = scope.id;
    const spec = { scope: scope.id, key: scope.key, panel: "side-bar" };
    this.#unmount = mount("browser", this.#port, this.#body, spec, { layout: "narrow" });
  }

  #fillPicker(scope: ScopeInfo | undefined): void {
    this.#picker.hidden = this.#scopes.length < 2;
    const listed = JSON.stringify([scope?.id, ...this.#scopes.map((s) => [s.id, s.name])]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#picker.replaceChildren(
      ...this.#scopes.map((s) => {
        const option = document.createElement("option");
        option.value = s.id;
        option.textContent = s.name;
        option.selected = s.id === scope?.id;
        return option;
      }),
    );
  }

  #clear(): void {
    this.#unmount?.();
    this.#unmount = undefined;
    this.#shown = undefined;
    this.#body.replaceChildren();
  }

  #note(kind: "none" | "waiting" | "not-loaded" | "no-scope"): void {
    this.#picker.hidden = true;
    const note = document.createElement("div");
    note.className = "saescope-side-note";
    note.setAttribute("role", "status");
    for (const line of NOTES[kind]) {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      note.append(paragraph);
    }
    if (kind === "not-loaded" || kind === "no-scope") {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Insert a starter cell";
      button.addEventListener("click", () => this.#onStarter());
      note.append(button);
    }
    this.#body.replaceChildren(note);
  }
}

const NOTES = {
  none: ["Open a notebook: its scopes show here."],
  waiting: ["Waiting for the kernel. If it is running a cell, this goes on when the cell ends."],
  "not-loaded": [
    "This notebook's kernel has not imported saescope yet.",
    "A starter cell opens the bundled demo; nothing runs until you run it.",
  ],
  "no-scope": [
    "saescope is imported, and there is no scope yet.",
    "Load a model and an SAE, or open an index, and its features show here.",
  ],
} as const;
