import { useEffect, useRef } from "preact/hooks";
import { type Column, choices } from "./columns.js";

interface Props {
  shown: readonly string[];
  extras: readonly Column[];
  hasChosen: boolean;
  choose: (names: string[] | undefined) => void;
  close: () => void;
  /** The SAE is a crosscoder. */
  hasPlaces: boolean;
}

/** Which columns the table has. */
export function ColumnChooser({ shown, extras, hasChosen, choose, close, hasPlaces }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.querySelector("input")?.focus();
    const onDown = (event: Event) => {
      const path = event.composedPath();
      const isOwn = path.some(
        (n) => n === box.current || (n instanceof Element && n.matches("[data-columns]")),
      );
      if (!isOwn) close();
    };
    document.addEventListener("pointerdown", onDown, true);
    return () => document.removeEventListener("pointerdown", onDown, true);
  }, []);
  return (
    <div
      class="ss-columns-box"
      ref={box}
      role="group"
      aria-label="Columns"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        const table = box.current?.closest(".ss-table");
        close();
        table?.querySelector<HTMLElement>("[data-columns]")?.focus();
      }}
    >
      {[...choices(hasPlaces), ...extras].map(({ name, head, title }) => (
        <label key={name} title={title}>
          <input
            type="checkbox"
            checked={shown.includes(name)}
            onChange={(e) =>
              choose(e.currentTarget.checked ? [...shown, name] : shown.filter((other) => other !== name))
            }
          />
          {head}
        </label>
      ))}
      <button type="button" class="ss-quiet-button" disabled={!hasChosen} onClick={() => choose(undefined)}>
        as fits the width
      </button>
    </div>
  );
}
