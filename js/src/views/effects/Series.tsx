import { count, duration, number } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import type { AblationKind, ExampleChange, SeriesParams } from "../../protocol/generated.js";
import { Failure, Notice } from "../shell/Notice.js";
import { EffectBar, MethodTag } from "./EffectBar.js";
import { Strip } from "./Strip.js";
import { change, visible } from "./signed.js";
import { type EffectsState, optionsOf, type Quantity, whereOf } from "./state.js";
import { type Series, useSeries } from "./useSeries.js";

const SIZES = [10, 20, 50, 100];
const GROUPS: readonly [string, string][] = [
  ["top", "top"],
  ["random", "random"],
  ...[5, 4, 3, 2, 1].map((n): [string, string] => [`interval-${n}`, `interval ${n}`]),
];
export const QUANTITIES: readonly [Quantity, string, string][] = [
  ["delta_logprob", "Δ log p", "Change of the log-probability of the token that follows the peak, in nats."],
  ["kl", "KL", "From the model's own next-token probabilities after the peak to the changed ones, in nats."],
  ["delta_logprob_after", "Δ log p after", "Summed over the tokens after that one, in nats."],
  ["kl_after", "KL after", "Summed over the positions after the peak, in nats."],
];
const FEW = 10;

interface Props extends ViewProps<EffectsState> {
  feature: number;
  kind: AblationKind | undefined;
  /** Show one of the strongest examples as the text. */
  open: (rank: number) => void;
}

/** The change made in each of the feature's examples: one by one, and as a distribution with its interval. */
export function SeriesView(props: Props) {
  const { client, info, feature, kind, state, update, isReadOnly, open } = props;
  const where = whereOf(state, kind);
  const params: SeriesParams = {
    scope: info.id,
    feature,
    k: state.k,
    group: state.group,
    kind: state.kind,
    options: optionsOf(state, kind),
    where: where === "one" ? "peak" : where,
  };
  const { series, start, stop } = useSeries(client, params);
  if (!info.has_index)
    return (
      <Notice title="Examples come from an index, and there is none.">
        <p>
          Build one: <code>scope.build_index(texts, out="my-index")</code>
        </p>
      </Notice>
    );
  return (
    <div class="ss-eff-series">
      <div class="ss-eff-run">
        {!isReadOnly &&
          (series.isRunning ? (
            <button type="button" class="ss-button" onClick={stop}>
              Stop
            </button>
          ) : (
            <button type="button" class="ss-button" onClick={start}>
              {series.examples.length > 0 ? "Run again" : "Run"}
            </button>
          ))}
        <label>
          <span class="ss-quiet">on</span>
          <select value={state.k} onChange={(e) => update({ k: Number(e.currentTarget.value) })}>
            {SIZES.map((k) => (
              <option key={k} value={k}>
                {k}
              </option>
            ))}
          </select>
        </label>
        <label>
          <select
            aria-label="Group of examples"
            value={state.group}
            onChange={(e) => update({ group: e.currentTarget.value })}
          >
            {GROUPS.map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
          <span class="ss-quiet">examples</span>
        </label>
        <Progress series={series} k={state.k} />
      </div>
      {series.error && <Failure error={series.error} retry={start} />}
      {series.examples.length > 0 ? (
        <div class="ss-eff-body">
          <Rows series={series} state={state} open={open} />
          <section class="ss-eff-right" aria-label="Distribution">
            <div class="ss-pick" role="group" aria-label="Figure">
              {QUANTITIES.map(([name, title, about]) => (
                <button
                  key={name}
                  type="button"
                  aria-pressed={state.quantity === name}
                  title={about}
                  onClick={() => update({ quantity: name })}
                >
                  {title}
                </button>
              ))}
            </div>
            <Strip series={series} quantity={state.quantity} />
            <Means series={series} state={state} />
          </section>
        </div>
      ) : (
        !series.error && <Empty series={series} feature={feature} />
      )}
    </div>
  );
}

function Empty({ series, feature }: { series: Series; feature: number }) {
  if (series.isRunning) return null;
  if (series.summary.length > 0) return <Notice title={`#${feature} has no examples in this group.`} />;
  return (
    <Notice title={`What does #${feature} do where it fires?`}>
      <p>
        The change is made in each example, with the tokens it had in the corpus, and measured at what
        followed; beside it the same change along matched controls. About a second an example.
      </p>
    </Notice>
  );
}

function Progress({ series, k }: { series: Series; k: number }) {
  const { part, isRunning, examples } = series;
  if (!isRunning) {
    const isPart = examples.length > 0 && series.summary.length === 0;
    return (
      <span class="ss-quiet" role="status">
        {isPart && `Stopped after ${count(examples.length)}.`}
      </span>
    );
  }
  const [done, total] = [part?.done ?? 0, part?.total ?? k];
  const left = part?.seconds_left == null || done === total ? "" : ` · ${duration(part.seconds_left)} left`;
  const text = part ? `${count(done)} of ${count(total)} examples${left}` : "Running the first example.";
  return (
    <>
      <span
        class="ss-eff-track"
        role="progressbar"
        aria-label="Examples run"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={done}
        aria-valuetext={text}
      >
        <span style={{ width: `${(100 * done) / Math.max(1, total)}%` }} />
      </span>
      <span class="ss-quiet" role="status">
        {text}
      </span>
    </>
  );
}

interface RowsProps {
  series: Series;
  state: EffectsState;
  open: (rank: number) => void;
}

function Rows({ series, state, open }: RowsProps) {
  const quantity = state.quantity;
  const values = series.examples.flatMap((e) => [e[quantity], e[`control_${quantity}`]]);
  const top = Math.max(1e-6, ...values.map((v) => Math.abs(v ?? 0)));
  return (
    <section class="ss-eff-left" aria-label="Examples">
      <ol class="ss-eff-rows">
        {series.examples.map((example) => (
          <Row
            key={example.row}
            example={example}
            quantity={quantity}
            top={top}
            open={state.group === "top" ? () => open(example.rank) : undefined}
          />
        ))}
      </ol>
    </section>
  );
}

interface RowProps {
  example: ExampleChange;
  quantity: Quantity;
  top: number;
  open: (() => void) | undefined;
}

function Row({ example, quantity, top, open }: RowProps) {
  const { texts, peak, next_text, activation, rank, n_changed } = example;
  const value = example[quantity];
  const beside = example[`control_${quantity}`];
  const about = `activation ${number(activation)} · changed at ${count(n_changed)} · Δ log p ${change(example.delta_logprob)} · KL ${number(example.kl)} · control ${change(beside)}`;
  const line = (part: readonly string[]) => part.join("").replaceAll("\n", "⏎");
  return (
    <li class="ss-eff-row" title={about}>
      <EffectBar value={value} top={top} unit="nats" control={beside} isSize={quantity.startsWith("kl")} />
      <span class="ss-eff-line">
        <span class="ss-eff-head">
          <bdi>{line(texts.slice(0, peak))}</bdi>
        </span>
        {open ? (
          <button type="button" aria-label={`Look at example ${rank + 1}: ${texts[peak]}`} onClick={open}>
            {visible(texts[peak] ?? "")}
          </button>
        ) : (
          <b>{visible(texts[peak] ?? "")}</b>
        )}
        <span class="ss-eff-tail">
          {next_text === null ? (
            <i class="ss-quiet"> end of the document</i>
          ) : (
            <>
              <u>{line(texts.slice(peak + 1, peak + 2))}</u>
              {line(texts.slice(peak + 2))}
            </>
          )}
        </span>
      </span>
    </li>
  );
}

const OF: Record<string, string> = {
  feature: "the feature",
  control: "its controls",
  difference: "difference",
};

/** The means over examples, each with its interval; while they come in, without. */
function Means({ series, state }: { series: Series; state: EffectsState }) {
  const { quantity, group } = state;
  const rows = series.summary.filter((mean) => mean.quantity === quantity);
  const values = series.examples.map((e) => e[quantity]).filter((v) => v !== null);
  const n = rows[0]?.n ?? values.length;
  const running = values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
  const [, title, about] = QUANTITIES.find(([name]) => name === quantity) ?? QUANTITIES[0] ?? ["", "", ""];
  const isSigned = quantity.startsWith("delta");
  const shown = (x: number | null) => (x === null ? "–" : isSigned ? change(x) : number(x));
  return (
    <>
      <table class="ss-eff-means">
        <thead>
          <tr>
            <th scope="col">
              <span title={about}>mean {title}</span>
            </th>
            <th scope="col">nats</th>
            <th scope="col">95 % interval</th>
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 ? (
            <tr>
              <th scope="row">{OF["feature"]} so far</th>
              <td>{shown(values.length > 0 ? running : null)}</td>
              <td class="ss-quiet">at the end</td>
            </tr>
          ) : (
            rows.map((mean) => (
              <tr key={mean.of}>
                <th scope="row">{OF[mean.of]}</th>
                <td>{shown(mean.mean)}</td>
                <td>{mean.low === null ? "–" : `${shown(mean.low)} to ${shown(mean.high)}`}</td>
              </tr>
            ))
          )}
        </tbody>
      </table>
      <p class="ss-eff-honest ss-quiet">
        <MethodTag method="exact" /> n {count(n)} · control: the mean of 3 matched features, drawn anew for
        each example · bootstrap over examples of the group {group}, not over any text
        {n > 0 && n < FEW
          ? ` · ${n} examples say little of all: the interval is wide, and still somewhat too narrow`
          : ""}
      </p>
    </>
  );
}
