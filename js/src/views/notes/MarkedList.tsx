import type { Client } from "../../protocol/client.js";
import { MarkSign } from "./MarkButtons.js";
import { useMarks } from "./useMarks.js";

interface Props {
  client: Client;
  scope: string;
  feature: number;
  isReadOnly?: boolean;
}

const N_BEFORE = 56;

/** A text on one line. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** The end of a text, so that what follows it is in sight. */
function lineEnd(text: string): string {
  const line = oneLine(text);
  return line.length > N_BEFORE ? `…${line.slice(-N_BEFORE)}` : line;
}

/** Every example of a feature that is marked, by its text: those of other indexes too. */
export function MarkedList({ client, scope, feature, isReadOnly }: Props) {
  const { all, desk } = useMarks(client, scope, feature);
  if (!all || all.length === 0) return null;
  return (
    <ul class="ss-marked" aria-label="Marked examples">
      {all.map(({ passage, mark, before, token, after }) => (
        <li key={passage}>
          <MarkSign mark={mark} />
          <span class="ss-marked-text" dir="auto">
            {lineEnd(before)}
            <mark>{token}</mark>
            {oneLine(after)}
          </span>
          {!isReadOnly && (
            <button
              type="button"
              class="ss-quiet-button"
              aria-label={`Take away the mark on: ${token.trim() || "this example"}`}
              title="Take the mark away."
              onClick={() => void desk.mark(feature, { passage }, "")}
            >
              ×
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
