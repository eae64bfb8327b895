import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { FeatureList, FeatureNote, MarkChange, NoteChange, Noted } from "../../protocol/generated.js";
import { type Draft, type DraftField, Drafts } from "./drafts.js";

const UNDO_SHOWN_MS = 5000;
export const STARRED = "starred";

export type Changes = Pick<
  NoteChange,
  "label" | "remark" | "tags" | "status" | "confidence" | "drops_confidence"
>;

/** What the line under a title says of the last change. */
export type Outcome =
  | { kind: "saving"; feature: number; what: string }
  | { kind: "saved" | "undone"; feature: number; what: string; version: number }
  | { kind: "failed"; feature: number; what: string; error: RequestError; again: () => void }
  | { kind: "conflict"; feature: number; field: DraftField; mine: string; theirs: FeatureNote };

/**
 * The notes of a scope as one page edits them: what is on disk, what is typed, and how the last save went.
 * Writes go one after the other; each waits for the kernel to say that it is on disk.
 */
export class Desk {
  readonly #client: Client;
  readonly #scope: string;
  readonly #drafts: Drafts;
  readonly #notes = new Map<number, FeatureNote>();
  readonly #errors = new Map<number, RequestError>();
  readonly #watched = new Map<number, number>();
  readonly #listeners = new Set<() => void>();
  readonly #saving = new Map<string, { text: string; end: Promise<boolean> }>();
  #queue: Promise<unknown> = Promise.resolve();
  #expected: { feature: number; end: Promise<FeatureNote> } | undefined;
  #off: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #list: string | undefined;
  outcome: Outcome | undefined;
  /** The lists there are, the one changed last first; undefined until they are known. */
  lists: FeatureList[] | undefined;

  constructor(client: Client, scope: string, key: string) {
    this.#client = client;
    this.#scope = scope;
    this.#drafts = new Drafts(key);
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Keep a feature's note up to date until the returned function is called. */
  watch(feature: number): () => void {
    this.#off ??= this.#client.onNotify("notes", (data) => this.#hear(data as unknown as Noted));
    this.#watched.set(feature, (this.#watched.get(feature) ?? 0) + 1);
    void this.load(feature);
    if (!this.lists) void this.#loadLists();
    return () => {
      const n = (this.#watched.get(feature) ?? 1) - 1;
      if (n > 0) return void this.#watched.set(feature, n);
      for (const known of [this.#watched, this.#notes, this.#errors]) known.delete(feature);
      // the next feature is watched in a moment
      setTimeout(() => this.#rest());
    };
  }

  note(feature: number): FeatureNote | undefined {
    return this.#notes.get(feature);
  }

  error(feature: number): RequestError | undefined {
    return this.#errors.get(feature);
  }

  /** Ask for the note of a feature that is about to be watched. */
  expect(feature: number): void {
    const end = this.#ask(feature);
    this.#expected = { feature, end };
    end.catch(() => {});
  }

  #ask(feature: number): Promise<FeatureNote> {
    return this.#client.request("note.get", { scope: this.#scope, feature }).then(({ data }) => data);
  }

  async load(feature: number): Promise<FeatureNote | undefined> {
    const expected = this.#expected?.feature === feature ? this.#expected.end : undefined;
    this.#expected = undefined;
    try {
      return this.#take(await (expected ?? this.#ask(feature)));
    } catch (failed) {
      if (!isQuiet(failed)) this.#errors.set(feature, asRequestError(failed));
      this.#tell();
      return undefined;
    }
  }

  /** What is typed into a field and not saved. */
  draft(feature: number, field: DraftField): string | undefined {
    return this.#drafts.get(feature, field)?.text;
  }

  /** A field as it is shown: what is typed, else what is on disk. */
  text(feature: number, field: DraftField): string {
    return this.draft(feature, field) ?? textOf(this.note(feature), field);
  }

  edit(feature: number, field: DraftField, text: string): void {
    const note = this.note(feature);
    const base = this.#drafts.get(feature, field)?.base ?? note?.version ?? 0;
    this.#drafts.set(feature, field, note && text === textOf(note, field) ? undefined : { text, base });
    this.#tell();
  }

  /** Throw away what is typed. */
  restore(feature: number, field: DraftField): void {
    this.#drafts.set(feature, field, undefined);
    if (this.outcome?.feature === feature && this.outcome.kind !== "saved") this.outcome = undefined;
    this.#tell();
  }

  /** Save what is typed into a field; what is being saved already is not saved twice. */
  commit(feature: number, field: DraftField, base?: number): Promise<boolean> {
    const draft = this.#drafts.get(feature, field);
    if (!draft) return Promise.resolve(true);
    const name = `${feature}/${field}`;
    const running = this.#saving.get(name);
    if (running?.text === draft.text) return running.end;
    const end = this.#save(feature, field, draft, base).finally(() => {
      if (this.#saving.get(name)?.end === end) this.#saving.delete(name);
    });
    this.#saving.set(name, { text: draft.text, end });
    return end;
  }

  async #save(feature: number, field: DraftField, draft: Draft, base: number | undefined): Promise<boolean> {
    const changes = parse(field, draft.text);
    const again = () => void this.commit(feature, field);
    if (typeof changes === "string") {
      this.#say({ kind: "failed", feature, what: field, error: asRequestError(new Error(changes)), again });
      return false;
    }
    const version = base ?? draft.base;
    const saved = await this.#write(feature, field, again, () => ({ ...changes, version }));
    if (saved === undefined) return false;
    const latest = this.#drafts.get(feature, field);
    const isOther = latest !== undefined && latest.text !== draft.text;
    this.#drafts.set(feature, field, isOther ? { ...latest, base: saved } : undefined);
    this.#tell();
    return true;
  }

  /** Give a status, or take it away if it is given already. */
  async toggleStatus(feature: number, status: FeatureNote["status"]): Promise<void> {
    const again = () => void this.toggleStatus(feature, status);
    await this.#write(feature, "status", again, (version, note) => ({
      status: note?.status === status ? "" : status,
      version,
    }));
  }

  /** Mark an example, named by its peak's row or by its passage, or take its mark away. */
  async mark(
    feature: number,
    example: { row: number } | { passage: string },
    mark: MarkChange["mark"],
  ): Promise<void> {
    await this.#inTurn(
      feature,
      "saved",
      "mark",
      () => void this.mark(feature, example, mark),
      async () => {
        const params = { scope: this.#scope, feature, mark, ...example };
        return this.#take((await this.#client.request("mark.set", params)).data);
      },
    );
  }

  /** Take back the last change of a note, or make it again, if the note is still of that version. */
  async step(feature: number, action: "undo" | "redo", version?: number): Promise<void> {
    const method = action === "undo" ? "note.undo" : "note.redo";
    const kind = action === "undo" ? "undone" : "saved";
    await this.#inTurn(
      feature,
      kind,
      "change",
      () => void this.step(feature, action),
      async () => {
        const base = version ?? this.note(feature)?.version ?? null;
        const params = { scope: this.#scope, feature, version: base };
        return this.#take((await this.#client.request(method, params)).data);
      },
    );
  }

  /** The list that the star is about: the one used last. */
  get list(): string {
    return this.#list ?? this.lists?.[0]?.name ?? STARRED;
  }

  /** Put a feature into a list, or take it out. */
  async toggleList(feature: number, name = this.list): Promise<void> {
    await this.#inTurn(
      feature,
      "saved",
      "list",
      () => void this.toggleList(feature, name),
      async () => {
        const note = this.note(feature) ?? (await this.load(feature));
        const key = note?.lists.includes(name) ? "remove" : "add";
        const { data } = await this.#client.request("lists.change", {
          scope: this.#scope,
          name,
          [key]: [feature],
        });
        this.#list = name;
        this.lists = data.lists;
        return (await this.load(feature)) ?? note;
      },
    );
  }

  /** Of a conflict: keep what the other wrote, or put one's own in its place. */
  async settle(mine: boolean): Promise<void> {
    const found = this.outcome;
    if (found?.kind !== "conflict") return;
    this.outcome = undefined;
    if (!mine) return this.restore(found.feature, found.field);
    await this.commit(found.feature, found.field, found.theirs.version);
  }

  #write(
    feature: number,
    what: DraftField | "status",
    again: () => void,
    changes: (version: number | null, note: FeatureNote | undefined) => Changes & { version: number | null },
  ): Promise<number | undefined> {
    return this.#inTurn(feature, "saved", what, again, async () => {
      const note = this.note(feature) ?? (await this.load(feature));
      const params = { scope: this.#scope, feature, ...changes(note?.version ?? null, note) };
      return this.#take((await this.#client.request("note.set", params)).data);
    });
  }

  /** After all that was begun before: the note's version when it is done, nothing when it failed. */

  #inTurn(
    feature: number,
    kind: "saved" | "undone",
    what: string,
    again: () => void,
    work: () => Promise<FeatureNote | undefined>,
  ): Promise<number | undefined> {
    const turn = this.#queue.then(async () => {
      this.#say({ kind: "saving", feature, what });
      try {
        const version = (await work())?.version ?? 0;
        this.#say({ kind, feature, what, version });
        return version;
      } catch (failed) {
        this.#fail(feature, what, asRequestError(failed), again);
        return undefined;
      }
    });
    this.#queue = turn;
    return turn;
  }

  #fail(feature: number, what: string, error: RequestError, again: () => void): void {
    const theirs = error.data["theirs"] as FeatureNote | undefined;
    const isField = what === "label" || what === "remark" || what === "tags" || what === "confidence";
    if (error.code !== "conflict" || !theirs || !isField) {
      this.#say({ kind: "failed", feature, what, error, again });
      return;
    }
    void this.load(feature);
    this.#say({ kind: "conflict", feature, field: what, mine: this.text(feature, what), theirs });
  }

  #say(outcome: Outcome | undefined): void {
    clearTimeout(this.#timer);
    this.outcome = outcome;
    const passes = outcome?.kind === "saved" || outcome?.kind === "undone";
    if (passes)
      this.#timer = setTimeout(() => this.outcome === outcome && this.#say(undefined), UNDO_SHOWN_MS);
    this.#tell();
  }

  #rest(): void {
    if (this.#watched.size > 0) return;
    this.#off?.();
    this.#off = undefined;
    this.lists = undefined;
  }

  #take(note: FeatureNote): FeatureNote {
    const known = this.#notes.get(note.feature);
    const isNewer = !known || note.version >= known.version;
    if (isNewer && this.#watched.has(note.feature)) this.#notes.set(note.feature, note);
    this.#errors.delete(note.feature);
    this.#tell();
    return isNewer ? note : known;
  }

  async #loadLists(): Promise<void> {
    try {
      this.lists = (await this.#client.request("lists.get", { scope: this.#scope })).data.lists;
      this.#tell();
    } catch {
      // the star then begins with the list everybody has
    }
  }

  #hear({ scope, features, lists, is_all }: Noted): void {
    this.#expected = undefined;
    if (scope !== this.#scope) return;
    const isListed = is_all || lists.length > 0;
    for (const feature of this.#watched.keys())
      if (isListed || features.includes(feature)) void this.load(feature);
    if (isListed) void this.#loadLists();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A field of a note as text to edit. */
export function textOf(note: FeatureNote | undefined, field: DraftField): string {
  if (!note) return "";
  if (field === "tags") return note.tags.join(", ");
  if (field === "confidence")
    return note.confidence === null ? "" : String(Math.round(note.confidence * 1000) / 10);
  return note[field];
}

/** What a text means in a field; a sentence when it means nothing. */
function parse(field: DraftField, text: string): Changes | string {
  if (field === "tags") return { tags: text.split(",").flatMap((tag) => tag.trim() || []) };
  if (field !== "confidence") return { [field]: text };
  const digits = text.trim().replace(/\s*%$/, "").replace(",", ".");
  if (digits === "") return { drops_confidence: true };
  const share = Number(digits) / 100;
  return share >= 0 && share <= 1 ? { confidence: share } : "A confidence is a number from 0 to 100.";
}
