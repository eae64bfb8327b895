import { MARKS, type Mark } from "./useMarks.js";

interface Props {
  mark: Mark | undefined;
  set: (mark: Mark | "") => void;
}

/** Marks an example as typical or as a counterexample, or takes the mark away. */
export function MarkButtons({ mark, set }: Props) {
  return (
    <span class="ss-mark-buttons" role="group" aria-label="Mark this example">
      {MARKS.map(([name, sign, key, title]) => (
        <button
          key={name}
          type="button"
          class={`ss-mark-button ss-mark-${name}`}
          aria-pressed={mark === name}
          aria-label={name}
          title={`${title} (${key})`}
          onClick={() => set(mark === name ? "" : name)}
        >
          {sign}
        </button>
      ))}
    </span>
  );
}

/** The mark that an example has. */
export function MarkSign({ mark }: { mark: Mark | undefined }) {
  const found = MARKS.find(([name]) => name === mark);
  if (!found) return null;
  const [name, sign] = found;
  return (
    <span class={`ss-mark ss-mark-${name}`} role="img" aria-label={name} title={`Marked as ${name}.`}>
      {sign}
    </span>
  );
}

/** The mark that a key asks for on an example that has this one. */
export function markOfKey(event: KeyboardEvent, mark: Mark | undefined): Mark | "" | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const found = MARKS.find(([, , key]) => key === event.key)?.[0];
  return found && (found === mark ? "" : found);
}
