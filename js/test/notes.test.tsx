import { render } from "preact";
import { useReducer } from "preact/hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { infoOf } from "../dev/fixture.js";
import { MemoryPort } from "../src/ports/memory.js";
import { Client } from "../src/protocol/client.js";
import type { FeatureList, FeatureNote } from "../src/protocol/generated.js";
import { Drafts } from "../src/views/notes/drafts.js";
import { NoteLine } from "../src/views/notes/NoteEditor.js";
import { useNotesNews } from "../src/views/notes/useNote.js";
import { Keys, KeysContext, onPanelKey } from "../src/views/shell/keys.js";

const EMPTY: Omit<FeatureNote, "feature"> = {
  label: "",
  remark: "",
  tags: [],
  status: "",
  confidence: null,
  author: "anna",
  saved_ms: 0,
  version: 0,
  can_undo: false,
  can_redo: false,
  lists: [],
  place: "",
  n_marks: 0,
  layers: [],
};

type Params = Partial<FeatureNote> & {
  feature: number;
  version: number | null;
  drops_confidence?: boolean;
} & {
  name: string;
  add?: number[];
  remove?: number[];
};

/** A kernel that keeps notes, fails when told to, and holds its answers back when told to. */
class Store {
  readonly notes = new Map<number, FeatureNote>();
  readonly past: FeatureNote[] = [];
  lists: FeatureList[] = [];
  failure: { code: string; message: string; hint: string; data: object } | undefined;
  held: (() => void)[] | undefined;
  readonly port = new MemoryPort((frame) => {
    if (frame["t"] !== "request") return;
    const run = () => this.#answer(frame);
    if (this.held) this.held.push(run);
    else queueMicrotask(run);
  });

  of(feature: number): FeatureNote {
    return this.notes.get(feature) ?? { feature, ...EMPTY };
  }

  /** Somebody else writes. */
  write(feature: number, change: Partial<FeatureNote>): void {
    const old = this.of(feature);
    this.past.push(old);
    this.notes.set(feature, { ...old, ...change, version: old.version + 1, can_undo: true });
    this.tell({ features: [feature], lists: [] });
  }

  tell(news: object): void {
    this.port.deliver({ t: "notify", topic: "notes", data: { scope: "dev", is_all: false, ...news } });
  }

  sent(method: string): Record<string, unknown>[] {
    return this.port.sent
      .filter((f) => f["method"] === method)
      .map((f) => f["params"] as Record<string, unknown>);
  }

  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const run of held) run();
  }

  #answer(frame: Record<string, unknown>): void {
    const rid = frame["rid"];
    const method = String(frame["method"]);
    const params = frame["params"] as Params;
    if (this.failure && method !== "note.get" && method !== "lists.get") {
      this.port.deliver({ t: "error", rid, error: this.failure });
      return;
    }
    const old = this.of(params.feature);
    const { scope, version, drops_confidence, is_forced, ...change } = params as Params & {
      scope: string;
      is_forced?: boolean;
    };
    if (method === "note.set") {
      if (change.label !== undefined && version !== old.version && change.label !== old.label) {
        const data = { fields: ["label"], mine: change, theirs: old };
        this.port.deliver({
          t: "error",
          rid,
          error: { code: "conflict", message: "no", hint: "", data },
        });
        return;
      }
      this.write(params.feature, drops_confidence ? { confidence: null } : change);
    }
    if (method === "note.undo") {
      const before = this.past.pop() ?? old;
      this.notes.set(params.feature, { ...before, version: old.version + 1, can_redo: true });
    }
    if (method === "lists.change") {
      const { name, add = [], remove = [] } = params;
      for (const f of add) this.notes.set(f, { ...this.of(f), lists: [...this.of(f).lists, name] });
      for (const f of remove)
        this.notes.set(f, { ...this.of(f), lists: this.of(f).lists.filter((n) => n !== name) });
      this.lists = [{ name, n_features: 1, author: "", saved_ms: 0, version: 1 }];
      this.tell({ features: [], lists: [name] });
    }
    const data = method.startsWith("lists.") ? { lists: this.lists } : this.of(params.feature);
    this.port.deliver({ t: "result", rid, data });
  }
}

let host: HTMLElement;
let store: Store;
let client: Client;
let shown = 3;
let redraw: (action: number) => void = () => {};
const next = vi.fn(() => go(shown + 1));

function Line({ isReadOnly }: { isReadOnly: boolean }) {
  const [, turn] = useReducer((n: number) => n + 1, 0);
  redraw = turn;
  return <NoteLine client={client} info={infoOf(64)} feature={shown} isReadOnly={isReadOnly} next={next} />;
}

function go(feature: number): void {
  shown = feature;
  redraw(0);
}

function show(isReadOnly = false): void {
  const keys = new Keys();
  client = new Client(store.port);
  render(
    <KeysContext.Provider value={keys}>
      <div class="saescope" tabIndex={0} onKeyDown={(e) => onPanelKey(e, keys.actions())}>
        <Line isReadOnly={isReadOnly} />
      </div>
    </KeysContext.Provider>,
    host,
  );
}

beforeEach(() => {
  localStorage.clear();
  next.mockClear();
  shown = 3;
  store = new Store();
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
  vi.useRealTimers();
});

const find = <T extends HTMLElement>(selector: string) => host.querySelector<T>(selector);
const label = () => find<HTMLTextAreaElement>("textarea.ss-note-label");
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
const ready = (feature = shown) =>
  vi.waitFor(() => expect(find(`.ss-note[data-note='${feature}']`)).not.toBeNull());
const button = (text: string) =>
  [...host.querySelectorAll("button")].find((b) => b.textContent?.trim().endsWith(text));

function press(
  key: string,
  on: Element | null = find(".saescope"),
  more: KeyboardEventInit = {},
): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  on?.dispatchEvent(event);
  return event;
}

function type(text: string, box: HTMLTextAreaElement | HTMLInputElement | null = label()): void {
  box?.focus();
  if (!box) return;
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

describe("what is written", () => {
  const HOSTILE = [
    "<script>window.hit = 1</script>",
    "</textarea><img src=x onerror='window.hit = 1'>",
    "**bold** [x](javascript:alert(1)) <https://example.org>",
    "a\u202eb\u200fc",
    `1. one\n\n${"x".repeat(10_000)}`,
  ];

  test.each(HOSTILE)("is shown as the text it is: %.20s", async (text) => {
    store.write(3, {
      label: text.replaceAll("\n", " "),
      remark: text,
      tags: [text.slice(0, 50).replaceAll(",", "")],
    });
    for (const isReadOnly of [false, true]) {
      show(isReadOnly);
      await ready();
      const remark = isReadOnly ? ".ss-note-whole .ss-note-remark" : ".ss-note-preview .ss-note-remark";
      await vi.waitFor(() => expect(find(remark)?.textContent).toBe(text));
      const shownLabel = isReadOnly ? find("span.ss-note-label")?.textContent : label()?.value;
      expect(shownLabel).toBe(text.replaceAll("\n", " "));
      expect(host.querySelectorAll("script, img, a, b, strong, ol")).toHaveLength(0);
      render(null, host);
    }
    expect("hit" in window).toBe(false);
  });
});

describe("the label", () => {
  test("l goes to it, Enter saves it and opens the next feature, and the keys are the panel's again", async () => {
    show();
    await ready();
    press("l");
    expect(document.activeElement).toBe(label());
    type("ships");
    press("Enter", label());
    expect(next).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships"));
    await ready(4);
    expect(label()?.value).toBe("");
    expect(document.activeElement).toBe(find(".saescope"));
    await vi.waitFor(() => expect(host.textContent).toContain("saved #3"));
    expect(store.sent("note.set")).toEqual([{ scope: "dev", feature: 3, label: "ships", version: 0 }]);
  });

  test("Shift+Enter saves and stays", async () => {
    show();
    await ready();
    type("ships");
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships"));
    expect(next).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(label());
  });

  test("Escape takes back what is typed, and nothing is saved", async () => {
    store.write(3, { label: "ships" });
    show();
    await ready();
    type("boats");
    await settle();
    press("Escape", label());
    await vi.waitFor(() => expect(label()?.value).toBe("ships"));
    label()?.blur();
    await settle();
    expect(store.sent("note.set")).toEqual([]);
  });

  test("is saved when it is left, and when another feature is opened while one types", async () => {
    show();
    await ready();
    type("ships");
    label()?.blur();
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships"));
    type("boats");
    go(9);
    await ready(9);
    await vi.waitFor(() => expect(store.of(3).label).toBe("boats"));
    expect(label()?.value).toBe("");
    expect(store.sent("note.set").map((p) => p["feature"])).toEqual([3, 3]);
  });

  test("that changes elsewhere is shown, but never over what is being typed", async () => {
    show();
    await ready();
    store.write(3, { label: "theirs" });
    await vi.waitFor(() => expect(label()?.value).toBe("theirs"));
    type("mine");
    store.write(3, { label: "theirs again" });
    await settle();
    expect(label()?.value).toBe("mine");
  });

  test("of two writers is for the person to choose: theirs", async () => {
    show();
    await ready();
    type("mine");
    store.write(3, { label: "theirs", author: "bob" });
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() => expect(find("[role=alert]")?.textContent).toContain("was changed by bob"));
    expect(find("[role=alert]")?.textContent).toContain("theirs");
    expect(label()?.value).toBe("mine");
    button("Keep theirs")?.click();
    await vi.waitFor(() => expect(label()?.value).toBe("theirs"));
    expect(find("[role=alert]")).toBeNull();
    expect(store.of(3).label).toBe("theirs");
  });

  test("of two writers is for the person to choose: mine", async () => {
    show();
    await ready();
    type("mine");
    store.write(3, { label: "theirs" });
    label()?.blur();
    await vi.waitFor(() => expect(find("[role=alert]")).not.toBeNull());
    button("Use yours")?.click();
    await vi.waitFor(() => expect(store.of(3).label).toBe("mine"));
    await vi.waitFor(() => expect(find("[role=alert]")).toBeNull());
    expect(label()?.value).toBe("mine");
  });

  test("that cannot be saved stays typed, with the reason, and is saved again on request", async () => {
    show();
    await ready();
    store.failure = { code: "notes", message: "The disk is full.", hint: "Make room.", data: {} };
    type("ships");
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() =>
      expect(find("[role=alert]")?.textContent).toContain(
        "The label was not saved: The disk is full. Make room.",
      ),
    );
    expect(label()?.value).toBe("ships");
    store.failure = undefined;
    button("Save again")?.click();
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships"));
    await vi.waitFor(() => expect(find("[role=alert]")).toBeNull());
  });

  test("that was typed when the kernel went is there again with the next one", async () => {
    show();
    await ready();
    type("ships");
    store.port.close();
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() => expect(find("[role=alert]")?.textContent).toContain("The kernel is gone."));
    render(null, host);
    store = new Store();
    show();
    await ready();
    expect(label()?.value).toBe("ships");
    label()?.focus();
    label()?.blur();
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships"));
    expect(new Drafts("dev").get(3, "label")).toBeUndefined();
  });

  test("keeps what is typed on while a save is under way", async () => {
    show();
    await ready();
    type("ship");
    store.held = [];
    press("Enter", label(), { shiftKey: true });
    await settle();
    type("ships at sea");
    store.release();
    await vi.waitFor(() => expect(store.of(3).label).toBe("ship"));
    await settle();
    expect(label()?.value).toBe("ships at sea");
    label()?.blur();
    await vi.waitFor(() => expect(store.of(3).label).toBe("ships at sea"));
    expect(find("[role=alert]")).toBeNull();
  });

  test("is one line, and markup in it is text", async () => {
    show();
    await ready();
    type("<img src=x onerror=alert(1)>\nb");
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() => expect(store.of(3).label).toBe("<img src=x onerror=alert(1)> b"));
    expect(host.querySelector("img")).toBeNull();
  });

  test("that is unchanged takes back the last change with Ctrl+Z, and offers it for five seconds", async () => {
    show();
    await ready();
    type("ships");
    press("Enter", label(), { shiftKey: true });
    await vi.waitFor(() => expect(button("undo")).toBeDefined());
    type("ships at");
    expect(press("z", label(), { ctrlKey: true }).defaultPrevented).toBe(false);
    type("ships");
    expect(press("z", label(), { ctrlKey: true }).defaultPrevented).toBe(true);
    await vi.waitFor(() => expect(label()?.value).toBe(""));
    expect(store.sent("note.undo")).toEqual([{ scope: "dev", feature: 3, version: 1 }]);
    vi.useFakeTimers();
    type("boats");
    press("Enter", label(), { shiftKey: true });
    await vi.advanceTimersByTimeAsync(4900);
    expect(button("undo")).toBeDefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(button("undo")).toBeUndefined();
  });
});

test("what was saved on the feature before is taken back from the next one", async () => {
  show();
  await ready();
  type("ships");
  press("Enter", label());
  await ready(4);
  await vi.waitFor(() => expect(button("undo")).toBeDefined());
  store.write(4, { label: "other" });
  button("undo")?.click();
  await vi.waitFor(() => expect(store.sent("note.undo")).toEqual([{ scope: "dev", feature: 3, version: 1 }]));
});

test("a feature that is opened again shows what was written meanwhile, and nothing older first", async () => {
  store.write(3, { label: "old" });
  show();
  await ready();
  go(4);
  await ready(4);
  store.write(3, { label: "new" });
  const seen: (string | undefined)[] = [];
  go(3);
  await vi.waitFor(() => {
    seen.push(label()?.value);
    expect(label()?.value).toBe("new");
  });
  expect(seen).not.toContain("old");
});

describe("status and star", () => {
  test("1, 2 and 3 give a status, and take it away again", async () => {
    show();
    await ready();
    press("2");
    await vi.waitFor(() => expect(button("checked")?.getAttribute("aria-pressed")).toBe("true"));
    press("3");
    await vi.waitFor(() => expect(store.of(3).status).toBe("rejected"));
    press("3");
    await vi.waitFor(() => expect(store.of(3).status).toBe(""));
  });

  test("keys pressed in one go are done one after the other, and leave a text field alone", async () => {
    show();
    await ready();
    press("2");
    press("2");
    press("1");
    await vi.waitFor(() => expect(store.of(3).status).toBe("proposed"));
    expect(store.sent("note.set").map((p) => p["status"])).toEqual(["checked", "", "proposed"]);
    label()?.focus();
    press("2", label());
    await settle();
    expect(store.of(3).status).toBe("proposed");
  });

  test("a status given at once after going on is that of the new feature", async () => {
    show();
    await ready();
    store.held = [];
    go(4);
    await settle();
    press("2");
    store.release();
    await vi.waitFor(() => expect(store.of(4).status).toBe("checked"));
    expect(store.of(3).status).toBe("");
  });

  test("s puts a feature into the list used last, and takes it out", async () => {
    show();
    await ready();
    press("s");
    await vi.waitFor(() => expect(store.of(3).lists).toEqual(["starred"]));
    await vi.waitFor(() => expect(find(".ss-star-button")?.getAttribute("aria-pressed")).toBe("true"));
    find(".ss-star-name")?.click();
    await vi.waitFor(() => expect(find(".ss-list-menu")).not.toBeNull());
    const box = find<HTMLInputElement>(".ss-list-menu form input");
    type("navy", box);
    await settle();
    box?.form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await vi.waitFor(() => expect(store.of(3).lists).toEqual(["starred", "navy"]));
    press("s");
    await vi.waitFor(() => expect(store.of(3).lists).toEqual(["starred"]));
  });
});

describe("remark, tags and confidence", () => {
  const open = async () => {
    show();
    await ready();
    button("remark")?.click();
    await vi.waitFor(() => expect(find(".ss-note-details")).not.toBeNull());
  };

  test("are saved when they are left", async () => {
    await open();
    type("# ships\n<b>b</b>", find<HTMLTextAreaElement>(".ss-note-text"));
    find(".ss-note-text")?.blur();
    await vi.waitFor(() => expect(store.of(3).remark).toBe("# ships\n<b>b</b>"));
    type("navy, , history", find<HTMLInputElement>(".ss-note-tags"));
    press("Enter", find(".ss-note-tags"));
    await vi.waitFor(() => expect(store.of(3).tags).toEqual(["navy", "history"]));
    type("80 %", find<HTMLInputElement>(".ss-note-confidence"));
    press("Enter", find(".ss-note-confidence"));
    await vi.waitFor(() => expect(store.of(3).confidence).toBe(0.8));
    type("", find<HTMLInputElement>(".ss-note-confidence"));
    press("Enter", find(".ss-note-confidence"));
    await vi.waitFor(() => expect(store.of(3).confidence).toBeNull());
    button("less")?.click();
    await vi.waitFor(() =>
      expect(find(".ss-note-preview")?.textContent).toBe("navyhistory# ships\n<b>b</b>"),
    );
    expect(host.querySelector("b")).toBeNull();
  });

  test("a confidence that is no number is told, and kept", async () => {
    await open();
    type("high", find<HTMLInputElement>(".ss-note-confidence"));
    press("Enter", find(".ss-note-confidence"));
    await vi.waitFor(() =>
      expect(find("[role=alert]")?.textContent).toContain("A confidence is a number from 0 to 100."),
    );
    expect(find<HTMLInputElement>(".ss-note-confidence")?.value).toBe("high");
    expect(store.sent("note.set")).toEqual([]);
  });
});

test("a snapshot shows the note, with nothing to change", async () => {
  store.write(3, { label: "ships", status: "checked", remark: "a\nb", lists: ["starred"] });
  show(true);
  await ready();
  expect(find(".ss-note")?.textContent).toBe("ships✓ checked★ starreda\nb");
  expect(host.querySelectorAll("button, textarea, input")).toHaveLength(0);
});

test("notes that cannot be read say so, and are asked for again", async () => {
  const port = new MemoryPort((frame) => {
    if (frame["method"] === "note.get")
      queueMicrotask(() =>
        port.deliver({
          t: "error",
          rid: frame["rid"],
          error: {
            code: "notes",
            message: "The notes cannot be read.",
            hint: "Move the file away.",
            data: {},
          },
        }),
      );
  });
  store = { port } as unknown as Store;
  show();
  await vi.waitFor(() => expect(host.textContent).toContain("The notes cannot be read. Move the file away."));
  button("Retry")?.click();
  expect(port.sent.filter((f) => f["method"] === "note.get")).toHaveLength(2);
});

test("news of other features, or of another scope, draw nothing anew", async () => {
  let turn = -1;
  function Probe() {
    turn = useNotesNews(client, "dev", FEATURES);
    return null;
  }
  const FEATURES = [3, 4];
  client = new Client(store.port);
  render(<Probe />, host);
  await settle();
  store.tell({ features: [9], lists: [] });
  store.tell({ scope: "other", features: [3], lists: [] });
  await settle();
  expect(turn).toBe(0);
  store.tell({ features: [4], lists: [] });
  await vi.waitFor(() => expect(turn).toBe(1));
  store.tell({ features: [], lists: [], is_all: true });
  await vi.waitFor(() => expect(turn).toBe(2));
});
