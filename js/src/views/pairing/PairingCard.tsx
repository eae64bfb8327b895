import { useEffect, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { useHost } from "../../host.js";
import type { Client } from "../../protocol/client.js";
import type {
  PairingDetails,
  PairingFigures,
  PairingInfo,
  PairingTrial,
  ScopeInfo,
} from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Skeleton } from "../shell/Notice.js";
import { useAnswer } from "../shell/useAnswer.js";
import { percent, points, shown } from "./words.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  pairing: PairingInfo;
  close: () => void;
}

const N_TRIALS = 4;

/** What was measured of the pairing: figures beside published ones and the control, reasons, what was tried. */
export function PairingCard({ client, info, pairing, close }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const isLive = client.status !== "snapshot";
  const isDone = pairing.state === "done";
  const key = isDone ? `${info.id} ${pairing.verdict} ${pairing.headline} ${pairing.figure}` : undefined;
  const answer = useAnswer<PairingDetails>(key, "", async ({ signal }) => {
    const { data } = await client.request("pairing.get", { scope: info.id }, { slot: "pairing", signal });
    return data;
  });
  const isSlow = useSlow(answer.isWaiting);
  useEffect(() => box.current?.focus(), []);
  const { shape, word, kind } = shown(pairing);
  const told = isDone ? answer.shown : undefined;
  const again = () =>
    void client.request("pairing.start", { scope: info.id, cause: "asked" }).catch(() => undefined);
  const stop = () => void client.request("pairing.stop", { scope: info.id }).catch(() => undefined);
  return (
    <div class="ss-pairing-card" role="dialog" aria-label="Pairing of SAE and model" tabIndex={-1} ref={box}>
      <div class={`ss-pairing-head ss-pairing-${kind}`}>
        <span class="ss-pairing-shape" aria-hidden="true">
          {shape}
        </span>
        <strong>{word}</strong>
        <button type="button" class="ss-quiet-button" aria-label="Close" onClick={close}>
          ✕
        </button>
      </div>
      {pairing.state === "running" && <Progress pairing={pairing} stop={stop} />}
      {(pairing.state === "none" || pairing.state === "stopped") && (
        <p>
          {pairing.state === "stopped" ? "The check was stopped." : "Nothing was measured yet."} It runs the
          model on a short text
          {pairing.can_start ? ", for some seconds" : ", which takes long for a model of this size"}.
        </p>
      )}
      {answer.error && <Failure error={answer.error} retry={answer.retry} />}
      {isSlow && !told && <Skeleton lines={6} />}
      {told && <Told told={told} />}
      {isLive && info.has_model && pairing.state !== "running" && (
        <p class="ss-pairing-foot">
          <button type="button" class="ss-button" onClick={again}>
            {isDone ? "Measure again" : "Measure"}
          </button>
          <code>scope.check()</code>
        </p>
      )}
    </div>
  );
}

function Progress({ pairing, stop }: { pairing: PairingInfo; stop: () => void }) {
  const share = pairing.total > 0 ? Math.round((100 * pairing.done) / pairing.total) : 0;
  return (
    <div class="ss-pairing-progress">
      <p role="status">{pairing.step}</p>
      <div
        class="ss-progress"
        role="progressbar"
        aria-label="Checking the pairing"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share}
      >
        <div style={{ width: `${share}%` }} />
      </div>
      <button type="button" class="ss-button" onClick={stop}>
        Stop
      </button>
    </div>
  );
}

function Told({ told }: { told: PairingDetails }) {
  const { loaded, control, published, reasons, trials, text } = told;
  return (
    <>
      {told.failure && <p>{told.failure}</p>}
      {told.untold && <p>{told.untold}</p>}
      {reasons.length > 0 && (
        <ul class="ss-pairing-reasons" aria-label="Why it is in doubt">
          {reasons.map((reason) => (
            <li key={reason.text}>
              <b>{reason.name}</b> {reason.text}
            </li>
          ))}
        </ul>
      )}
      {told.code && <Fix code={told.code} />}
      {loaded && (
        <div class="ss-pairing-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <span class="ss-hidden">what</span>
                </th>
                <th
                  scope="col"
                  title="1 − squared error / squared distance from the mean, over the tokens that count. Exact."
                >
                  explained
                </th>
                <th scope="col" title="Features that fire on a token, on average. Exact.">
                  L0
                </th>
                <th
                  scope="col"
                  title="Share of the loss lost with the site at its mean that the reconstruction keeps: (mean − spliced) / (mean − clean). Exact."
                >
                  loss kept
                </th>
                <th scope="col" title="The same share, with the site at zero in place of its mean.">
                  against zero
                </th>
              </tr>
            </thead>
            <tbody>
              <Row name="as loaded" figures={loaded} isOwn />
              {published && <Row name={`published (${told.source})`} figures={published} />}
              {control && (
                <Row
                  name="shuffled control"
                  figures={control}
                  title="The site's activations with each dimension's values dealt anew over the tokens: a wrong pairing scores like that."
                />
              )}
            </tbody>
          </table>
        </div>
      )}
      {trials.length > 0 && <Trials trials={trials} />}
      {loaded && (
        <p class="ss-pairing-said">
          {count(loaded.n)} tokens of {text}; the first of a context, special tokens and attention sinks do
          not count.
          {told.drift !== null &&
            ` ${percent(Math.max(0, told.drift))} of the error is common to all tokens.`}
        </p>
      )}
    </>
  );
}

function Row(props: { name: string; figures: PairingFigures; isOwn?: boolean; title?: string }) {
  const { name, figures, isOwn = false, title } = props;
  return (
    <tr class={isOwn ? "ss-pairing-own" : undefined} title={title}>
      <th scope="row">{name}</th>
      <td>{percent(figures.explained_variance)}</td>
      <td>{figures.l0 === null ? "–" : number(figures.l0)}</td>
      <td>{percent(figures.recovered)}</td>
      <td>{percent(figures.recovered_zero)}</td>
    </tr>
  );
}

function Trials({ trials }: { trials: readonly PairingTrial[] }) {
  const [isAll, setAll] = useState(false);
  const ranked = [...trials].sort((a, b) => b.gain - a.gain);
  const rows = isAll ? ranked : ranked.slice(0, N_TRIALS);
  return (
    <div class="ss-pairing-scroll">
      <table>
        <caption>Tried instead, on the same tokens; the difference in points, ± its standard error</caption>
        <tbody>
          {rows.map((trial) => (
            <tr key={trial.what} class={trial.is_better ? "ss-pairing-better" : undefined}>
              <th scope="row">
                {trial.is_better && <b>better: </b>}
                {trial.what}
              </th>
              <td>{percent(trial.figures.explained_variance)}</td>
              <td>{trial.figures.l0 === null ? "–" : number(trial.figures.l0)}</td>
              <td title={trial.error === null ? `Screened on ${trial.figures.n} tokens only.` : undefined}>
                {points(trial.gain, trial.error)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {trials.length > N_TRIALS && (
        <button type="button" class="ss-quiet-button" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
          {isAll ? "fewer" : `all ${trials.length} that were tried`}
        </button>
      )}
    </div>
  );
}

/** The call that loads the SAE as it seems to be meant. */
function Fix({ code }: { code: string }) {
  const [isCopied, setCopied] = useState(false);
  const { insertCell } = useHost();
  const copy = () =>
    void navigator.clipboard?.writeText(code).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  return (
    <div class="ss-pairing-fix">
      <span>Use this instead:</span>
      <code>{code}</code>
      <button type="button" class="ss-button" onClick={copy}>
        {isCopied ? "Copied" : "Copy"}
      </button>
      {insertCell && (
        <button
          type="button"
          class="ss-button"
          title="Insert a cell that loads it so; it does not run."
          onClick={(event) => insertCell(`scope = ${code}`, event.currentTarget)}
        >
          Insert cell
        </button>
      )}
    </div>
  );
}
