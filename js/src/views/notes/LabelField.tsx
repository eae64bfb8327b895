import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { focusedNear } from "../shell/inside.js";
import type { Desk } from "./desk.js";

interface Props {
  desk: Desk;
  feature: number;
  next: () => void;
  field: RefObject<HTMLTextAreaElement | null>;
}

/** The label, to be read and written in one place. It is saved with Enter, and when it is left. */
export function LabelField({ desk, feature, next, field }: Props) {
  useLayoutEffect(() => {
    const node = field.current;
    return () => {
      if (node && focusedNear(node) === node) leave(node);
      void desk.commit(feature, "label");
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      event.stopPropagation();
      void desk.commit(feature, "label");
      if (event.shiftKey) return;
      leave(event.currentTarget as Element);
      next();
    }
    if (event.key === "Escape") desk.restore(feature, "label");
    onUndoKey(event, desk, feature, desk.draft(feature, "label") === undefined);
  };
  const isDraft = desk.draft(feature, "label") !== undefined;
  return (
    <textarea
      ref={field}
      class="ss-note-label"
      rows={1}
      spellcheck={false}
      autocomplete="off"
      dir="auto"
      aria-label="Label"
      placeholder={desk.note(feature) ? "add a label" : ""}
      title="Label (l): Enter saves and goes on, Shift+Enter saves and stays, Escape takes back what is typed."
      data-box="label"
      data-draft={isDraft ? "" : undefined}
      value={desk.text(feature, "label")}
      onInput={(e) => desk.edit(feature, "label", e.currentTarget.value.replace(/\s*[\r\n]+\s*/g, " "))}
      onKeyDown={onKeyDown}
      onBlur={() => void desk.commit(feature, "label")}
    />
  );
}

/** Give the keys back to the panel. */
export function leave(node: Element): void {
  const panel = node.closest<HTMLElement>(".saescope");
  if (panel) panel.focus();
  else (node as HTMLElement).blur();
}

/** In a field with nothing unsaved in it, undo and redo are those of the note. */
export function onUndoKey(event: KeyboardEvent, desk: Desk, feature: number, isClean: boolean): void {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (!isClean || (key !== "z" && key !== "y")) return;
  event.preventDefault();
  event.stopPropagation();
  const note = desk.note(feature);
  const action = key === "y" || event.shiftKey ? "redo" : "undo";
  if (action === "undo" ? note?.can_undo : note?.can_redo) void desk.step(feature, action);
}
