import { useState } from "preact/hooks";
import { literal } from "../../data/call.js";
import { count, duration, number, percent } from "../../data/format.js";
import { useHost } from "../../host.js";
import type { Client } from "../../protocol/client.js";
import type { SaeDetails } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Skeleton } from "../shell/Notice.js";
import { useAnswer } from "../shell/useAnswer.js";
import { type LoadState, useLoading } from "./loading.js";
import { l0, SITES, size } from "./words.js";

interface Props {
  client: Client;
  panel: string;
  spec: string;
  model: string;
  setModel: (model: string) => void;
  close: (() => void) | undefined;
}

/** One SAE: what it is, what it needs, what to know, and the loading of it. */
export function Details({ client, panel, spec, model, setModel, close }: Props) {
  const loading = useLoading(client);
  const how = loading.state;
  const answer = useAnswer<SaeDetails>(`${spec} ${how?.done ? "loaded" : ""}`, "", async ({ signal }) => {
    const { data } = await client.request("registry.describe", { spec }, { slot: "sae", signal });
    return data;
  });
  const isSlow = useSlow(answer.isWaiting);
  const told = answer.shown;
  return (
    <section class={`ss-pk-details${isSlow && told ? " ss-pk-stale" : ""}`} aria-label="The SAE in full">
      {close && (
        <button type="button" class="ss-quiet-button" onClick={close}>
          ← list
        </button>
      )}
      {answer.error && <Failure error={answer.error} retry={answer.retry} />}
      {!told && isSlow && <Skeleton lines={8} />}
      {told && !answer.error && (
        <>
          <h3>
            {told.row.release && <span>{told.row.release}/</span>}
            <bdi>{told.row.sae_id}</bdi>
          </h3>
          <Needs told={told} />
          {told.notes.length > 0 && (
            <ul class="ss-pk-notes" aria-label="To know before loading">
              {told.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
          <Load
            told={told}
            model={model}
            setModel={setModel}
            how={how}
            start={(m) => void loading.start(spec, m, panel)}
            stop={() => loading.stop()}
          />
          <Facts told={told} />
        </>
      )}
    </section>
  );
}

function Facts({ told }: { told: SaeDetails }) {
  const { row } = told;
  const rows: [string, string][] = [
    ["Model", row.model || "its configuration does not say"],
    ["Site", told.hook_name ?? SITES[row.site] ?? row.site],
    ...(told.hook_name_out ? ([["Writes", told.hook_name_out]] as [string, string][]) : []),
    ["Features", row.width === null ? "unknown before it is fetched" : count(row.width)],
    ["Architecture", row.architecture],
    ["L0", row.l0 === null ? "not published" : `${l0(row.l0)}, as published`],
    ...(told.explained_variance === null
      ? []
      : ([["Explained", `${number(told.explained_variance)} of the variance, as published`]] as [
          string,
          string,
        ][])),
    ["BOS", told.prepend_bos === null ? "per cfg.json" : told.prepend_bos ? "prepended" : "not prepended"],
    ["Labels", told.neuronpedia ?? "none known"],
    ["From", row.source === "folder" ? told.path : `${told.repo} · ${told.path}`],
  ];
  return (
    <dl class="ss-pk-facts-list">
      {rows.map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What it takes on disk and in memory, and whether that is there. */
function Needs({ told }: { told: SaeDetails }) {
  const { row, sae_bytes, model_bytes, model_dtype, free_bytes, place, fits } = told;
  const isHere = row.source === "folder" || row.is_cached;
  const onDisk =
    row.disk_bytes === null ? "a size not known" : `${isHere ? "" : "about "}${size(row.disk_bytes)}`;
  const isPartly = (sae_bytes === null) !== (model_bytes === null);
  const verdict =
    fits === null
      ? isPartly
        ? "whether all fits cannot be told."
        : "whether that fits cannot be told."
      : fits
        ? "that fits."
        : "that does not fit. A smaller dtype or another machine is needed.";
  return (
    <div class="ss-pk-needs">
      <p>
        <b>{isHere ? "On disk" : "To fetch"}</b> {onDisk} for the SAE{isHere ? ", here already" : ""}; the
        model {told.has_model ? "is here already" : "is not in the cache"}.
      </p>
      <p>
        <b>In memory</b> SAE {size(sae_bytes)} + model {size(model_bytes)}
        {model_bytes !== null && ` in ${model_dtype}`}, weights alone
        {free_bytes !== null && `; ${size(free_bytes)} of ${place} are free`}:{" "}
        <span class={fits === false ? "ss-pk-warn" : undefined}>{verdict}</span>
      </p>
    </div>
  );
}

interface LoadProps {
  told: SaeDetails;
  model: string;
  setModel: (model: string) => void;
  how: LoadState | undefined;
  start: (model: string) => void;
  stop: () => void;
}

function Load({ told, model, setModel, how, start, stop }: LoadProps) {
  const { insertCell } = useHost();
  const [isCopied, setCopied] = useState(false);
  const own = how?.spec === told.row.spec ? how : undefined;
  const isBusy = how?.isRunning === true;
  const isHere = told.row.source === "folder" || told.row.is_cached;
  const lacks = told.is_offline && !(isHere && (told.has_model || model !== ""));
  const code = own?.done ? "scope = saescope.picked()" : loadCode(told, model.trim());
  const copy = () => {
    void navigator.clipboard?.writeText(code).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <div class="ss-pk-load">
      <label>
        <span>With model</span>
        <input
          type="text"
          value={model}
          placeholder={told.row.model || "a hub id or a folder"}
          spellcheck={false}
          onInput={(event) => setModel(event.currentTarget.value)}
        />
      </label>
      {lacks && (
        <p class="ss-pk-warn" role="note">
          The hub is not asked here (HF_HUB_OFFLINE), and not all of this is in the cache. Fetch it elsewhere
          with <code>hf download {isHere ? told.row.model : told.repo}</code>, or unset it and restart the
          kernel.
        </p>
      )}
      {own?.isRunning ? (
        <Progress how={own} stop={stop} />
      ) : (
        <div class="ss-pk-buttons">
          <button
            type="button"
            class="ss-button ss-pk-main"
            disabled={isBusy}
            title={
              isBusy
                ? "Another SAE is being loaded."
                : "Fetch what lacks, and load model and SAE in the kernel."
            }
            onClick={() => start(model.trim())}
          >
            {own?.done ? "Load again" : "Load"}
          </button>
          {insertCell && (
            <button
              type="button"
              class="ss-button"
              onClick={(event) => insertCell(code, event.currentTarget)}
            >
              Insert cell
            </button>
          )}
          <button type="button" class="ss-button" onClick={copy}>
            {isCopied ? "Copied" : "Copy code"}
          </button>
        </div>
      )}
      <div role="status">
        {own?.done && <p>Loaded: {own.done.name}. In a cell it is what this call gives.</p>}
        {own?.isStopped && <p>Stopped. Files that were whole stay in the cache.</p>}
      </div>
      {own?.error && (
        <p class="ss-pk-error" role="alert">
          {own.error.message} {own.error.hint}
        </p>
      )}
      <code class="ss-pk-code">{code}</code>
    </div>
  );
}

/** The call that loads it, with the model that was typed. */
function loadCode({ row, code }: SaeDetails, model: string): string {
  return model ? `scope = saescope.load(${literal(model)}, sae=${literal(row.spec)})` : code;
}

function Progress({ how, stop }: { how: LoadState; stop: () => void }) {
  const at = how.progress;
  const share = at && at.total > 0 ? percent(at.done, at.total) : undefined;
  const left = at?.seconds_left;
  return (
    <div class="ss-pk-progress">
      <p>
        {at?.stage ?? "Beginning"}
        {at && at.total > 0 && `: ${size(at.done)} of ${size(at.total)}`}
        {at && at.rate > 0 && `, ${size(at.rate)}/s`}
        {left !== null && left !== undefined && `, ${duration(left)} left`}
      </p>
      <div
        class={`ss-progress${share === undefined ? " ss-unknown" : ""}`}
        role="progressbar"
        aria-label={at?.stage ?? "Loading"}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
      >
        <div style={{ width: `${share ?? 30}%` }} />
      </div>
      <button type="button" class="ss-button" onClick={stop}>
        Stop
      </button>
    </div>
  );
}
