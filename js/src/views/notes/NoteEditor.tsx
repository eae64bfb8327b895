import { useRef, useState } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { FeatureNote, ScopeInfo } from "../../protocol/generated.js";
import { useKeys } from "../shell/keys.js";
import type { Desk } from "./desk.js";
import { LabelField } from "./LabelField.js";
import { Layers } from "./Layers.js";
import { MarkedList } from "./MarkedList.js";
import { NoteDetails } from "./NoteDetails.js";
import { OutcomeLine, OutcomeNotice } from "./Outcome.js";
import { Star } from "./Star.js";
import { useNote } from "./useNote.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  feature: number;
  isReadOnly: boolean;
  /** Go on to the next feature. */
  next: () => void;
}

type Status = FeatureNote["status"];

const STATUSES: [Exclude<Status, "">, string, string][] = [
  ["proposed", "○", "1"],
  ["checked", "✓", "2"],
  ["rejected", "✕", "3"],
];

/** What a person wrote about a feature, under its title: label, status, star, and more on request. */
export function NoteLine(props: Props) {
  const { client, info, feature, isReadOnly } = props;
  const answer = useNote(client, info.id, feature, info.key);
  if (isReadOnly) return <SavedNote client={client} info={info} note={answer.note} />;
  if (answer.error && !answer.note)
    return (
      <div class="ss-note">
        <div class="ss-note-failed" role="alert">
          <span>
            {answer.error.message} {answer.error.hint}
          </span>
          <button type="button" class="ss-button" onClick={() => void answer.desk.load(feature)}>
            Retry
          </button>
        </div>
      </div>
    );
  return <EditableNote {...props} note={answer.note} desk={answer.desk} />;
}

function EditableNote({
  client,
  info,
  feature,
  next,
  note,
  desk,
}: Props & { note: FeatureNote | undefined; desk: Desk }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [isOpen, setOpen] = useState(false);
  useKeys({
    l: [
      "label",
      () => {
        field.current?.focus();
        field.current?.select();
      },
    ],
    s: [`star: into the list “${desk.list}”`, () => void desk.toggleList(feature)],
    ...Object.fromEntries(
      STATUSES.map(([status, , key]) => [key, [status, () => void desk.toggleStatus(feature, status)]]),
    ),
  });
  return (
    <div class="ss-note" data-note={note?.feature}>
      <div class="ss-note-line">
        <LabelField key={feature} desk={desk} feature={feature} next={next} field={field} />
        <OutcomeLine desk={desk} feature={feature} />
        <div class="ss-note-tools">
          <div class="ss-statuses" role="group" aria-label="Status">
            {STATUSES.map(([status, sign, key]) => (
              <button
                key={status}
                type="button"
                class={`ss-status ss-status-${status}`}
                aria-pressed={note?.status === status}
                title={`${status} (${key})`}
                onClick={() => void desk.toggleStatus(feature, status)}
              >
                <span aria-hidden="true">{sign}</span> <span class="ss-status-name">{status}</span>
              </button>
            ))}
          </div>
          <Star desk={desk} feature={feature} note={note} />
          <button
            type="button"
            class="ss-quiet-button ss-note-toggle"
            aria-expanded={isOpen}
            title="Remark, tags, confidence and marked examples."
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? "less" : "remark"}
          </button>
        </div>
      </div>
      <Layers key={`layers-${feature}`} note={note} desk={desk} />
      <OutcomeNotice desk={desk} feature={feature} />
      {isOpen ? (
        <>
          <NoteDetails key={feature} desk={desk} feature={feature} note={note} />
          <MarkedList client={client} scope={info.id} feature={feature} />
        </>
      ) : (
        <Preview note={note} open={() => setOpen(true)} />
      )}
    </div>
  );
}

/** The first line of the remark, and the tags. */
function Preview({ note, open }: { note: FeatureNote | undefined; open: () => void }) {
  if (!note || !saysMore(note)) return null;
  return (
    <button type="button" class="ss-note-preview" title="Open the remark." onClick={open}>
      <NoteSummary note={note} />
    </button>
  );
}

function saysMore({ remark, tags, confidence, n_marks }: FeatureNote): boolean {
  return remark !== "" || tags.length > 0 || confidence !== null || n_marks > 0;
}

function NoteSummary({ note }: { note: FeatureNote }) {
  return (
    <>
      {note.tags.map((tag) => (
        <span key={tag} class="ss-tag" dir="auto">
          {tag}
        </span>
      ))}
      {note.confidence !== null && <span class="ss-quiet">{percent(note.confidence)} sure</span>}
      {note.n_marks > 0 && <span class="ss-quiet">{note.n_marks} marked</span>}
      {note.remark && (
        <span class="ss-note-remark" dir="auto">
          {note.remark}
        </span>
      )}
    </>
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)}\u2009%`;
}

/** A note in a snapshot: nothing to change. */
function SavedNote({
  client,
  info,
  note,
}: Pick<Props, "client" | "info"> & { note: FeatureNote | undefined }) {
  if (!note || (note.version === 0 && !note.layers?.length)) return null;
  const status = STATUSES.find(([name]) => name === note.status);
  return (
    <div class="ss-note" data-note={note.feature}>
      <div class="ss-note-line">
        {note.label && (
          <span class="ss-note-label" dir="auto">
            {note.label}
          </span>
        )}
        {status && (
          <span class={`ss-status ss-status-${status[0]}`} data-on>
            <span aria-hidden="true">{status[1]}</span> {status[0]}
          </span>
        )}
        {note.lists.length > 0 && <span class="ss-quiet">★ {note.lists.join(", ")}</span>}
      </div>
      <Layers note={note} />
      {saysMore(note) && (
        <div class="ss-note-preview ss-note-whole">
          <NoteSummary note={note} />
        </div>
      )}
      <MarkedList client={client} scope={info.id} feature={note.feature} isReadOnly />
    </div>
  );
}
