import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, duration } from "../../data/format.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { HealthFigure, Measuring, ScopeInfo } from "../../protocol/generated.js";
import { errorText, NAMES, restsOn, valueText } from "./figures.js";

const SIZES = [512, 2048, 8192];
const ROWS = [
  "recovered",
  "recovered_mean",
  "explained_variance",
  "l0",
  "loss_clean",
  "loss_spliced",
  "loss_mean",
  "loss_zero",
];
const UNITS: Record<string, string> = { l0: "features", loss: "nats" };

interface Props {
  client: Client;
  info: ScopeInfo;
  figures: readonly HealthFigure[];
  n_tokens: number;
  setSize: (n_tokens: number) => void;
  isReadOnly: boolean;
  /** A measurement has ended, or was stopped. */
  onEnd: () => void;
}

/** The index's figures beside those of the loaded model and SAE, measured now. */
export function Measure({ client, info, figures, n_tokens, setSize, isReadOnly, onEnd }: Props) {
  const { isRunning, part, error, start, stop } = useMeasurement(client, info.id, onEnd);
  const measured = part?.figures ?? figures.filter((f) => f.source === "measured");
  const canMeasure = info.has_model && !isReadOnly;
  const rows = ROWS.map((name) => ({
    name,
    before: figures.find((f) => f.name === name && f.source === "index"),
    now: measured.find((f) => f.name === name),
  })).filter(({ before, now }) => before?.value != null || now?.value != null);
  return (
    <section class="ss-health-measure" aria-label="Index and measurement">
      <h3>Index and measurement</h3>
      {rows.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">figure</th>
              <th scope="col">index</th>
              <th scope="col">measured now</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, before, now }) => (
              <tr key={name} title={(before ?? now)?.meaning}>
                <th scope="row">{NAMES[name]}</th>
                <Cell figure={before} />
                <Cell figure={now} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!canMeasure && !isReadOnly && (
        <p class="ss-quiet">
          Measuring needs the model: <code>saescope.load(model, sae=…, index=…)</code>
        </p>
      )}
      {canMeasure && (
        <div class="ss-health-measure-bar">
          {isRunning ? (
            <>
              <button type="button" class="ss-button" onClick={stop}>
                Stop
              </button>
              <Progress part={part} />
            </>
          ) : (
            <>
              <button type="button" class="ss-button" onClick={() => start(n_tokens)}>
                Measure
              </button>
              <label>
                on{" "}
                <select value={n_tokens} onChange={(e) => setSize(Number(e.currentTarget.value))}>
                  {SIZES.map((n) => (
                    <option key={n} value={n}>
                      {count(n)}
                    </option>
                  ))}
                </select>{" "}
                tokens of the index's text
              </label>
              <span class="ss-quiet">The model runs four times over each.</span>
            </>
          )}
        </div>
      )}
      {error && (
        <p class="ss-health-measure-error" role="alert">
          {error.message} {error.hint}
        </p>
      )}
    </section>
  );
}

function Cell({ figure }: { figure: HealthFigure | undefined }) {
  if (figure?.value == null) return <td class="ss-quiet">–</td>;
  const unit = UNITS[figure.name] ?? UNITS[figure.name.split("_")[0] ?? ""] ?? "";
  return (
    <td title={restsOn(figure)}>
      {valueText(figure)} <span class="ss-quiet">{[unit, errorText(figure)].filter(Boolean).join(" ")}</span>
    </td>
  );
}

function Progress({ part }: { part: Measuring | undefined }) {
  const share = part && part.total > 0 ? part.done / part.total : 0;
  const left = part?.seconds_left == null ? "" : ` · ${duration(part.seconds_left)} left`;
  const text = part
    ? `${part.stage} · ${count(part.done)} of ${count(part.total)} tokens${left}`
    : "Waiting for the model.";
  return (
    <div class="ss-health-measure-progress">
      <span role="status">{text}</span>
      <div
        class="ss-health-measure-track"
        role="progressbar"
        aria-label="Measuring"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * share)}
        aria-valuetext={text}
      >
        <div style={{ width: `${100 * share}%` }} />
      </div>
    </div>
  );
}

/** One measurement at a time; what it has found stays when it is stopped. */
function useMeasurement(client: Client, scope: string, onEnd: () => void) {
  const [part, setPart] = useState<Measuring>();
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<RequestError>();
  const life = useRef<AbortController>(undefined);
  const end = useRef(onEnd);
  end.current = onEnd;
  useLayoutEffect(() => () => life.current?.abort(), [client, scope]);
  const start = (n_tokens: number) => {
    const own = new AbortController();
    life.current = own;
    setRunning(true);
    setError(undefined);
    setPart(undefined);
    const onEvent = (event: Measuring) => void (life.current === own && setPart(event));
    client
      .request(
        "health.measure",
        { scope, n_tokens },
        { slot: "measure", signal: own.signal, onEvent, isLong: true },
      )
      .then(({ data }) => setPart((before) => before && { ...before, figures: data.figures }))
      .catch((failed: unknown) => {
        if (!isQuiet(failed)) setError(asRequestError(failed));
      })
      .finally(() => {
        if (life.current !== own) return;
        setRunning(false);
        end.current();
      });
  };
  return { isRunning, part, error, start, stop: () => life.current?.abort() };
}
