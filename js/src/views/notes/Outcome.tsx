import type { Desk } from "./desk.js";
import { textOf } from "./desk.js";

interface Props {
  desk: Desk;
  feature: number;
}

/** How the last change went, in a word, with its undo. */
export function OutcomeLine({ desk, feature }: Props) {
  const found = desk.outcome;
  const isPassing = found?.kind === "saving" || found?.kind === "saved" || found?.kind === "undone";
  const isDraft = desk.draft(feature, "label") !== undefined;
  const other = found && found.feature !== feature ? ` #${found.feature}` : "";
  return (
    <span class="ss-note-state">
      <span role="status">
        {isPassing ? `${found.kind}${other}` : isDraft && !found ? "not saved yet" : ""}
      </span>
      {found?.kind === "saved" && found.what !== "list" && (
        <button
          type="button"
          class="ss-quiet-button"
          onClick={() => void desk.step(found.feature, "undo", found.version)}
        >
          undo
        </button>
      )}
      {found?.kind === "undone" && (
        <button
          type="button"
          class="ss-quiet-button"
          onClick={() => void desk.step(found.feature, "redo", found.version)}
        >
          redo
        </button>
      )}
    </span>
  );
}

/** A change that is not on disk: why, and what can be done. */
export function OutcomeNotice({ desk, feature }: Props) {
  const found = desk.outcome;
  const of = found && found.feature !== feature ? ` of #${found.feature}` : "";
  if (found?.kind === "failed") {
    const isTyped = desk.draft(found.feature, found.what as "label") !== undefined;
    return (
      <div class="ss-note-failed" role="alert">
        <span>
          {found.error.code !== "conflict" && `The ${found.what}${of} was not saved: `}
          {found.error.message} {found.error.hint} {isTyped && "What you typed is kept here."}
        </span>
        <button type="button" class="ss-button" onClick={found.again}>
          Save again
        </button>
      </div>
    );
  }
  if (found?.kind !== "conflict") return null;
  const { field, mine, theirs } = found;
  return (
    <div class="ss-note-failed" role="alert">
      <span>
        The {field}
        {of} was changed by {theirs.author || "someone else"} while you typed. Which one stays?
      </span>
      <dl class="ss-note-versions">
        <div>
          <dt>theirs</dt>
          <dd dir="auto">{textOf(theirs, field) || "(empty)"}</dd>
          <button type="button" class="ss-button" onClick={() => void desk.settle(false)}>
            Keep theirs
          </button>
        </div>
        <div>
          <dt>yours</dt>
          <dd dir="auto">{mine || "(empty)"}</dd>
          <button type="button" class="ss-button" onClick={() => void desk.settle(true)}>
            Use yours
          </button>
        </div>
      </dl>
    </div>
  );
}
