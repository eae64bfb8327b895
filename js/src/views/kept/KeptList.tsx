import { useEffect, useReducer, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import { asRequestError, RequestError } from "../../protocol/client.js";
import type { KeptLine, KeptResult } from "../../protocol/generated.js";
import { type Again, type Shelf, shelfOf } from "./shelf.js";

const N_SHOWN = 3;

interface Props {
  client: Client;
  scope: string;
  /** None for results that are about no feature. */
  feature: number | undefined;
  hasModel: boolean;
  isReadOnly: boolean;
  /** Show the panel that it was kept from, as it was. */
  open?: ((kept: KeptResult) => void) | undefined;
}

/** What was kept of a feature, the newest first: a line each. Nothing where nothing was. */
export function KeptList(props: Props) {
  const { client, scope, feature, isReadOnly } = props;
  const shelf = shelfOf(client, scope);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [isAll, setAll] = useState(false);
  useEffect(() => (isReadOnly ? undefined : shelf.listen(() => redraw(0))), [shelf, isReadOnly]);
  useEffect(() => setAll(false), [feature]);
  const lines = shelf.lines(feature ?? null);
  const removed = shelf.removed?.feature === (feature ?? null) ? shelf.removed : undefined;
  if (isReadOnly || (lines.length === 0 && !removed)) return null;
  const shown = isAll ? lines : lines.slice(0, N_SHOWN);
  return (
    <section class="ss-kept-results" aria-label="Kept results">
      <ul>
        {shown.map((line) => (
          <Row key={line.id} {...props} line={line} shelf={shelf} />
        ))}
      </ul>
      {removed && (
        <p role="status">
          <span class="ss-kept-gone">Taken away: {removed.title}</span>
          <button type="button" class="ss-quiet-button" onClick={() => void shelf.undo(removed.id)}>
            undo
          </button>
        </p>
      )}
      {shelf.error && (
        <p role="alert">
          {shelf.error.message} {shelf.error.hint}
        </p>
      )}
      {lines.length > N_SHOWN && (
        <button type="button" class="ss-quiet-button" onClick={() => setAll(!isAll)}>
          {isAll ? "fewer" : `all ${lines.length} kept`}
        </button>
      )}
    </section>
  );
}

function Row({ line, shelf, open, hasModel }: Props & { line: KeptLine; shelf: Shelf }) {
  const [problem, setProblem] = useState("");
  const [isCopied, setCopied] = useState(false);
  const withResult = (use: (kept: KeptResult) => unknown) =>
    void shelf
      .get(line.id)
      .then(use)
      .then(
        () => setProblem(""),
        (failed) => setProblem(asRequestError(failed).message),
      );
  const copy = () =>
    withResult(async ({ code }) => {
      await navigator.clipboard?.writeText(code);
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  const again = shelf.again(line.id);
  const made = new Date(line.time_ms);
  return (
    <li>
      <span class="ss-kept-title" dir="auto" title={`${line.title}\n${line.method}`}>
        {line.title}
      </span>
      <span class="ss-kept-figure" title={`Of scope.${line.method}, as it was kept.`}>
        {line.headline}
      </span>
      <span class="ss-kept-who" title={`${line.author || "someone"}, ${made.toLocaleString()}`}>
        {line.author} {dayOf(made)}
      </span>
      <span class="ss-kept-buttons">
        {open && (
          <button type="button" class="ss-quiet-button" onClick={() => withResult(open)}>
            open
          </button>
        )}
        <button type="button" class="ss-quiet-button" title="Copy the Python call." onClick={copy}>
          {isCopied ? "copied" : "code"}
        </button>
        {hasModel && (
          <button
            type="button"
            class="ss-quiet-button"
            title="Run the call again, and compare."
            disabled={again === "running"}
            onClick={() => void shelf.rerun(line.id)}
          >
            {again === "running" ? "running…" : "again"}
          </button>
        )}
        <button
          type="button"
          class="ss-quiet-button"
          aria-label={`Take away: ${line.title}`}
          title="Remove it."
          onClick={() => void shelf.remove(line)}
        >
          ×
        </button>
      </span>
      {(problem || (again && again !== "running")) && (
        <p class="ss-kept-again" role="status">
          {problem || againText(again)}
        </p>
      )}
    </li>
  );
}

/** What came of running it again, in a sentence or some. */
export function againText(again: Again | undefined): string {
  if (again === undefined || again === "running") return "";
  if (again instanceof RequestError) return `It was not run: ${again.message} ${again.hint}`;
  const { is_same, differences, changed, failure } = again;
  const first = failure
    ? `It fails now: ${failure}`
    : is_same
      ? "The same again, within rounding."
      : `Not the same: ${differences.join("; ")}.`;
  return changed.length > 0 ? `${first} Changed since: ${changed.join("; ")}.` : first;
}

/** The day of a moment; of one today the time. */
function dayOf(made: Date): string {
  const isToday = made.toDateString() === new Date().toDateString();
  return isToday
    ? made.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : made.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}
