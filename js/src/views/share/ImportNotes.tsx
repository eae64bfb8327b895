import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import { asRequestError, isQuiet, type RequestError } from "../../protocol/client.js";
import type { NotesImport, NotesPreview, Progressing } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { Changes } from "./Changes.js";
import { PathField } from "./PathField.js";
import { Bar } from "./Results.js";
import type { ShareState } from "./state.js";
import { useNews } from "./useNews.js";

interface Props extends ViewProps<ShareState> {
  folder: string;
}

const ENDINGS = [".jsonl", ".ndjson", ".txt"];
type Conflicts = NonNullable<NotesImport["conflicts"]>;

/** How the last taking in ended. */
interface Outcome {
  text: string;
  undo?: string;
  error?: RequestError;
}

/** Notes as text: what they would change, feature by feature, then the taking in, and back. */
export function ImportNotes({ client, info, state, update, choose, folder }: Props) {
  const [typed, setTyped] = useState(state.notesPath);
  const [forced, setForced] = useState("");
  const [conflicts, setConflicts] = useState<Conflicts>("refuse");
  const [outcome, setOutcome] = useState<Outcome>();
  const [progress, setProgress] = useState<Progressing>();
  const [isBusy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const news = useNews(client, info.id);
  const path = state.notesPath.trim();
  const is_forced = forced !== "" && forced === path;
  const { shown, key, error, isWaiting, retry } = useAnswer<NotesPreview>(
    path ? `${path}\n${is_forced}\n${turn}` : undefined,
    String(news),
    async ({ signal }) => {
      const params = { scope: info.id, path, is_forced };
      return (await client.request("import.preview", params, { signal, slot: "import-preview" })).data;
    },
  );
  const isSlow = useSlow(isWaiting);
  const preview = key?.startsWith(`${path}\n`) && !error ? shown : undefined;
  const open = (next: string) => {
    setConflicts("refuse");
    setOutcome(undefined);
    setTurn((n) => n + 1);
    update({ notesPath: next.trim() });
  };
  const work = async (task: () => Promise<Outcome>) => {
    setBusy(true);
    try {
      setOutcome(await task());
    } catch (failed) {
      if (!isQuiet(failed)) setOutcome({ text: "", error: asRequestError(failed) });
    }
    setBusy(false);
    setProgress(undefined);
    setTurn((n) => n + 1);
  };
  const take = ({ digest }: NotesPreview) =>
    work(async () => {
      const params = { scope: info.id, path, digest, conflicts, is_forced };
      const { data } = await client.request("import.notes", params, { isLong: true });
      return {
        text: `Taken in: ${nOf(data.n_changed, "note or list", "notes and lists")} changed.`,
        undo: data.undo,
      };
    });
  const undo = (number: string) =>
    work(async () => {
      const params = { scope: info.id, undo: number };
      const { data } = await client.request("import.undo", params, { isLong: true, onEvent: setProgress });
      const kept = data.n_kept > 0 ? ` ${count(data.n_kept)} were changed since, and stay.` : "";
      return { text: `Taken back: ${count(data.n_undone)}.${kept}` };
    });
  return (
    <div class="ss-share-form">
      <p class="ss-share-about">
        Take in labels, remarks, tags, lists and marks from notes as text. What was changed only here stays.
      </p>
      <PathField
        client={client}
        scope={info.id}
        label="from"
        folder={folder}
        value={typed}
        set={setTyped}
        submit={(next) => next.trim() !== path && open(next)}
        endings={ENDINGS}
      />
      {!path && (
        <p class="ss-share-hint ss-quiet">Name a file that was exported as text: its changes show here.</p>
      )}
      {isSlow && !preview && <p class="ss-share-hint ss-quiet">Reading …</p>}
      {error && (
        <div class="ss-share-failed" role="alert">
          <span>
            {sentence(error.message)} {error.code === "mismatch" ? "" : error.hint}
          </span>
          <button type="button" class="ss-button" onClick={retry}>
            Read again
          </button>
          {error.code === "mismatch" && (
            <button type="button" class="ss-button" onClick={() => setForced(path)}>
              Show it all the same
            </button>
          )}
        </div>
      )}
      {preview && (
        <>
          {preview.n_conflicts > 0 && (
            <Settle n={preview.n_conflicts} value={conflicts} set={setConflicts} file={preview.path} />
          )}
          <div class="ss-share-row">
            <span class="ss-share-head" />
            <span class="ss-share-go">
              {preview.n_changes > 0 && (
                <button
                  type="button"
                  class="ss-button ss-share-main"
                  disabled={isBusy || (preview.n_conflicts > 0 && conflicts === "refuse")}
                  onClick={() => void take(preview)}
                >
                  Take in{" "}
                  {nOf(
                    preview.n_changes - (conflicts === "mine" ? preview.n_conflicts : 0),
                    "change",
                    "changes",
                  )}
                </button>
              )}
              <span role="status" class="ss-quiet">
                {summary(preview)}
              </span>
            </span>
          </div>
        </>
      )}
      {progress && <Bar progress={progress} />}
      {outcome && (
        <p
          class={outcome.error ? "ss-share-failed" : "ss-share-hint"}
          role={outcome.error ? "alert" : "status"}
        >
          <span>
            {outcome.error
              ? `Nothing was taken in: ${outcome.error.message} ${outcome.error.hint}`
              : outcome.text}
          </span>{" "}
          {outcome.undo && (
            <button
              type="button"
              class="ss-button"
              disabled={isBusy}
              onClick={() => outcome.undo && void undo(outcome.undo)}
            >
              Undo
            </button>
          )}
        </p>
      )}
      {preview && preview.n_changes > 0 && <Changes preview={preview} choose={choose} />}
    </div>
  );
}

interface SettleProps {
  n: number;
  value: Conflicts;
  set: (value: Conflicts) => void;
  file: string;
}

/** Both sides changed the same: a person says whose counts. */
function Settle({ n, value, set, file }: SettleProps) {
  const choices: [Conflicts, string][] = [
    ["mine", "what is here stays"],
    ["file", `what is in ${file} counts`],
  ];
  return (
    <div class="ss-share-row" role="radiogroup" aria-label="Where both changed">
      <span class="ss-share-head">conflicts</span>
      <span class="ss-share-choices">
        <span>{nOf(n, "was", "were")} changed on both sides:</span>
        {choices.map(([name, label]) => (
          <label key={name}>
            <input
              type="radio"
              name="ss-share-conflicts"
              checked={value === name}
              onChange={() => set(name)}
            />
            {label}
          </label>
        ))}
      </span>
    </div>
  );
}

function summary({ n_changes, n_own, path }: NotesPreview): string {
  const own =
    n_own > 0 ? `${nOf(n_own, "change", "changes")} made only here ${n_own === 1 ? "stays" : "stay"}.` : "";
  if (n_changes > 0) return own;
  return `Nothing to take in: your notes say all that is in ${path}. ${own}`;
}

function nOf(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
