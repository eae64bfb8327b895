import { useEffect, useRef } from "preact/hooks";
import { count } from "../../data/format.js";
import type { FeatureNote } from "../../protocol/generated.js";
import type { Desk } from "./desk.js";
import type { DraftField } from "./drafts.js";
import { leave, onUndoKey } from "./LabelField.js";

interface Props {
  desk: Desk;
  feature: number;
  note: FeatureNote | undefined;
}

const FIELDS: DraftField[] = ["remark", "tags", "confidence"];

/** Remark, tags and confidence; each is saved when it is left. */
export function NoteDetails({ desk, feature, note }: Props) {
  const remark = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    return () => {
      for (const field of FIELDS) void desk.commit(feature, field);
    };
  }, []);
  const bind = (field: DraftField, isLine: boolean) => ({
    value: desk.text(feature, field),
    "data-draft": desk.draft(feature, field) === undefined ? undefined : "",
    onInput: (e: Event) => desk.edit(feature, field, (e.currentTarget as HTMLInputElement).value),
    onBlur: () => void desk.commit(feature, field),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Escape") desk.restore(feature, field);
      if (event.key === "Enter" && (isLine || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        leave(event.currentTarget as Element);
      }
      onUndoKey(event, desk, feature, desk.draft(feature, field) === undefined);
    },
  });
  return (
    <div class="ss-note-details">
      <textarea
        ref={remark}
        class="ss-note-text"
        rows={4}
        dir="auto"
        aria-label="Remark, in Markdown"
        placeholder="A remark, in Markdown. Saved when you leave it, or with Ctrl+Enter."
        {...bind("remark", false)}
      />
      <div class="ss-note-row">
        <label>
          <span class="ss-label">tags</span>
          <input
            class="ss-note-tags"
            dir="auto"
            placeholder="one, two"
            autocomplete="off"
            {...bind("tags", true)}
          />
        </label>
        <label>
          <span class="ss-label">confidence</span>
          <input
            class="ss-note-confidence"
            inputMode="decimal"
            size={3}
            placeholder="–"
            autocomplete="off"
            {...bind("confidence", true)}
          />
          <span class="ss-label">%</span>
        </label>
        {note && note.version > 0 && (
          <span class="ss-quiet" title={note.place ? `Kept in ${note.place}.` : "Kept beside the index."}>
            {note.author}, {moment(note.saved_ms)} · {count(note.version)}{" "}
            {note.version === 1 ? "change" : "changes"}
          </span>
        )}
      </div>
      {note?.place && <p class="ss-quiet ss-note-place">Kept in {note.place}.</p>}
    </div>
  );
}

function moment(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
