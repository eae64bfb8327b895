import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { TextHistory } from "./history.js";

const MOST_BYTES = 400_000;

interface Props {
  box: RefObject<HTMLTextAreaElement | null>;
  text: string;
  /** A person changed the text. */
  change: (text: string) => void;
  label?: string;
  placeholder?: string;
}

/** Where a text is typed: as high as it needs, with an undo that also takes back texts from elsewhere. */
export function TextBox(props: Props) {
  const { box, text, change, label = "Text to try", placeholder = "Type or paste text (t)" } = props;
  const history = useRef<TextHistory>(undefined);
  history.current ??= new TextHistory(text);
  const steps = history.current;
  useLayoutEffect(() => {
    const node = box.current;
    if (!node) return;
    if (node.value !== text) {
      node.value = text;
      steps.add(text, text.length, "");
    }
    grow(node);
  }, [text]);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node || typeof ResizeObserver === "undefined") return;
    let width = node.clientWidth;
    const observer = new ResizeObserver(() => {
      if (node.clientWidth === width) return;
      width = node.clientWidth;
      grow(node);
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  const travel = (entry: { text: string; at: number } | undefined) => {
    const node = box.current;
    if (!node || !entry) return;
    node.value = entry.text;
    node.setSelectionRange(entry.at, entry.at);
    change(entry.text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    event.stopPropagation();
    travel(key === "y" || event.shiftKey ? steps.redo() : steps.undo());
  };
  const onBeforeInput = (event: InputEvent) => {
    if (!event.inputType?.startsWith("history")) return;
    event.preventDefault();
    travel(event.inputType === "historyUndo" ? steps.undo() : steps.redo());
  };
  const onInput = (event: Event) => {
    const node = event.currentTarget as HTMLTextAreaElement;
    const kind = (event as InputEvent).inputType ?? "";
    steps.add(node.value, node.selectionEnd, kind === "insertText" || kind.startsWith("delete") ? kind : "");
    change(node.value);
  };
  const onDrop = (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    if (file.size > MOST_BYTES) return;
    void file.text().then((found) => {
      steps.add(found, found.length, "");
      change(found);
    });
  };
  return (
    <textarea
      ref={box}
      class="ss-try-box"
      data-box="text"
      aria-label={label}
      placeholder={placeholder}
      rows={1}
      dir="auto"
      spellcheck={false}
      autocomplete="off"
      onInput={onInput}
      onKeyDown={onKeyDown}
      onBeforeInput={onBeforeInput}
      onDragOver={(event) => event.dataTransfer?.types.includes("Files") && event.preventDefault()}
      onDrop={onDrop}
    />
  );
}

function grow(node: HTMLTextAreaElement): void {
  node.style.height = "auto";
  const border = node.offsetHeight - node.clientHeight;
  if (node.scrollHeight > 0) node.style.height = `${node.scrollHeight + border}px`;
}
