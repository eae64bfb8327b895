import { useState } from "preact/hooks";
import { visible } from "./unseen.js";

const LONG = 160;
const MOST_LINES = 3;

/** A text of a file as it is; a long one is cut until all of it is wanted. */
export function Clipped({ text }: { text: string }) {
  const [isOpen, setOpen] = useState(false);
  if (text === "" || text === "[]") return <span class="ss-quiet">nothing</span>;
  const isLong = text.length > LONG || text.split("\n").length > MOST_LINES;
  return (
    <>
      <div dir="auto" class={isLong && !isOpen ? "ss-share-clipped" : undefined}>
        {visible(text)}
      </div>
      {isLong && (
        <button type="button" class="ss-quiet-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "less" : "all of it"}
        </button>
      )}
    </>
  );
}
