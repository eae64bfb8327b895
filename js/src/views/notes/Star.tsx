import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { FeatureNote } from "../../protocol/generated.js";
import { isInside } from "../shell/inside.js";
import { type Desk, STARRED } from "./desk.js";

interface Props {
  desk: Desk;
  feature: number;
  note: FeatureNote | undefined;
}

/** The star puts a feature into the list used last; beside it all lists. */
export function Star({ desk, feature, note }: Props) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const isIn = note?.lists.includes(desk.list) ?? false;
  const others = note?.lists.filter((name) => name !== desk.list).length ?? 0;
  useEffect(() => setOpen(false), [feature]);
  useEffect(() => {
    if (!isOpen) return;
    const onDown = (event: Event) => {
      if (!isInside(event, root.current)) setOpen(false);
    };
    document.addEventListener("pointerdown", onDown, true);
    return () => document.removeEventListener("pointerdown", onDown, true);
  }, [isOpen]);
  return (
    <div class="ss-star" ref={root}>
      <button
        type="button"
        class="ss-star-button"
        aria-pressed={isIn}
        aria-label={`In the list ${desk.list}`}
        title={`${isIn ? "Take it out of" : "Put it into"} the list “${desk.list}” (s)`}
        onClick={() => void desk.toggleList(feature)}
      >
        {isIn ? "★" : "☆"}
      </button>
      <button
        type="button"
        class="ss-quiet-button ss-star-name"
        aria-expanded={isOpen}
        title="All lists"
        onClick={() => setOpen(!isOpen)}
      >
        <span class="ss-star-list">{desk.list}</span>
        {others > 0 && ` +${others}`} <span aria-hidden="true">▾</span>
      </button>
      {isOpen && <ListMenu desk={desk} feature={feature} note={note} close={() => setOpen(false)} />}
    </div>
  );
}

function ListMenu({ desk, feature, note, close }: Props & { close: () => void }) {
  const [name, setName] = useState("");
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => root.current?.querySelector("input")?.focus(), []);
  const known = desk.lists ?? [];
  const rows = known.some((l) => l.name === STARRED) ? known : [...known, { name: STARRED, n_features: 0 }];
  const submit = (event: Event) => {
    event.preventDefault();
    if (!name.trim()) return;
    const isIn = note?.lists.includes(name.trim());
    if (!isIn) void desk.toggleList(feature, name.trim());
    setName("");
  };
  return (
    <div
      class="ss-list-menu"
      role="group"
      aria-label="Lists"
      ref={root}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
        root.current?.closest<HTMLElement>(".saescope")?.focus();
      }}
    >
      {rows.map(({ name: list, n_features }) => (
        <label key={list}>
          <input
            type="checkbox"
            checked={note?.lists.includes(list) ?? false}
            onChange={() => void desk.toggleList(feature, list)}
          />
          <span class="ss-list-name" dir="auto">
            {list}
          </span>
          <span class="ss-quiet">{count(n_features)}</span>
        </label>
      ))}
      <form onSubmit={submit}>
        <input
          aria-label="Name of a new list"
          placeholder="new list"
          value={name}
          onInput={(e) => setName(e.currentTarget.value)}
        />
        <button type="submit" class="ss-quiet-button">
          add
        </button>
      </form>
    </div>
  );
}
