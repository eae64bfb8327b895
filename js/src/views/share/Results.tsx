import { useState } from "preact/hooks";
import { download } from "../../data/download.js";
import { count, duration, percent } from "../../data/format.js";
import { useHost } from "../../host.js";
import { asRequestError, type Client } from "../../protocol/client.js";
import type { ExportDone, Progressing } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import type { Run } from "./run.js";
import { size } from "./size.js";

interface Props {
  client: Client;
  scope: string;
  run: Run<ExportDone>;
}

const MOST_DOWNLOAD = 32 * 2 ** 20;

/** How the writing goes, or how it ended. */
export function RunLine({ client, scope, run }: Props) {
  const { state } = run;
  const isSlow = useSlow(state?.isRunning === true);
  if (!state) return null;
  const { isRunning, progress, isStopped, error, done } = state;
  if (isRunning) return isSlow ? <Bar progress={progress} stop={() => run.stop()} /> : null;
  if (isStopped)
    return (
      <p role="status" class="ss-share-row">
        <span class="ss-share-head" />
        <span>Stopped: nothing half-written stays.</span>
      </p>
    );
  if (error)
    return (
      <p role="alert" class="ss-share-failed">
        <span>
          Nothing was written: {error.message} {error.hint}
        </span>
        <button type="button" class="ss-quiet-button" onClick={() => run.forget()}>
          close
        </button>
      </p>
    );
  return (
    done && (
      <div class="ss-share-written-now" role="status">
        <Written client={client} scope={scope} done={done} isNew />
      </div>
    )
  );
}

/** What was written before. */
export function Results({ client, scope, run, results }: Props & { results: readonly ExportDone[] }) {
  const before = results.filter(({ path }) => path !== run.state?.done?.path);
  if (before.length === 0) return null;
  return (
    <ul class="ss-share-results" aria-label="Written before">
      {before.map((done) => (
        <li key={done.path}>
          <Written client={client} scope={scope} done={done} isNew={false} />
        </li>
      ))}
    </ul>
  );
}

export function Bar({ progress, stop }: { progress: Progressing | undefined; stop?: () => void }) {
  const { stage = "Waiting", done = 0, total = 0, unit = "", seconds_left } = progress ?? {};
  const left = seconds_left == null ? "" : ` · ${duration(seconds_left)} left`;
  const text = total > 0 ? `${stage} · ${count(done)} of ${count(total)} ${unit}s${left}` : `${stage} …`;
  const share = percent(done, total);
  return (
    <div class="ss-share-running">
      {stop && (
        <button type="button" class="ss-button" onClick={stop}>
          Stop
        </button>
      )}
      <div class="ss-share-bar">
        <span>{text}</span>
        <div
          class="ss-share-track"
          role="progressbar"
          aria-label="Progress"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share}
          aria-valuetext={text}
        >
          <div style={{ width: `${share}%` }} />
        </div>
      </div>
    </div>
  );
}

interface WrittenProps {
  client: Client;
  scope: string;
  done: ExportDone;
  isNew: boolean;
}

/** A file or folder that was written, and what can be done with it. */
function Written({ client, scope, done, isNew }: WrittenProps) {
  const { openFile } = useHost();
  const [told, setTold] = useState("");
  const { path, shown, is_folder, n_features, n_files, n_bytes, seconds } = done;
  // what lies elsewhere, the host may not know
  const isNear = !shown.startsWith("~/") && !shown.startsWith("/");
  const fetchFile = async () => {
    try {
      const { data, buffers } = await client.request("share.file", { scope, path });
      if (buffers[0]) download(data.name, buffers[0]);
      setTold("");
    } catch (failed) {
      const { message, hint } = asRequestError(failed);
      setTold(`${message} ${hint}`);
    }
  };
  const copy = () =>
    void navigator.clipboard?.writeText(path).then(
      () => setTold("copied"),
      () => setTold("The browser does not let it be copied."),
    );
  const what = [
    n_features > 0 && `${count(n_features)} ${n_features === 1 ? "feature" : "features"}`,
    is_folder && `${count(n_files)} files`,
    size(n_bytes),
    seconds >= 1 && `in ${duration(seconds)}`,
  ];
  return (
    <>
      <span class="ss-share-written" title={path}>
        {isNew && "Wrote "}
        <code dir="auto">{shown}</code>
        <small> {what.filter(Boolean).join(" · ")}</small>
      </span>
      {openFile && !is_folder && isNear && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-label={`Open ${shown}`}
          onClick={(e) => openFile(shown, e.currentTarget)}
        >
          open
        </button>
      )}
      {!is_folder && n_bytes <= MOST_DOWNLOAD && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-label={`Download ${shown}`}
          onClick={() => void fetchFile()}
        >
          download
        </button>
      )}
      <button type="button" class="ss-quiet-button" aria-label={`Copy the path of ${shown}`} onClick={copy}>
        copy path
      </button>
      {told && <span role="status">{told}</span>}
    </>
  );
}
