import { count, tokens } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { Health, HealthFigure } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Skeleton, Stale } from "../shell/Notice.js";
import { asDensity, asNumber, Bars } from "./Bars.js";
import { best, errorText, GRADES, NAMES, restsOn, thresholds, valueText, verdict } from "./figures.js";
import { Mark } from "./HealthBadge.js";
import { Measure } from "./Measure.js";
import { useHealth } from "./useHealth.js";

/** What a person did here. */
export interface HealthState {
  n_tokens: number;
}

const SHOWN = ["recovered", "explained_variance", "l0", "alive", "dense", "single_token"];

/** How well the SAE does, on one page. */
function HealthView({ client, info, state, update, isReadOnly }: ViewProps<HealthState>) {
  const { health, error, isWaiting, retry } = useHealth(client, info);
  const isSlow = useSlow(isWaiting);
  if (!health) {
    if (error) return <Failure error={error} retry={retry} />;
    return isSlow ? <Skeleton lines={8} /> : null;
  }
  return (
    <section class="ss-health" aria-label="Health">
      {error && <Stale error={error} retry={retry} />}
      <p class="ss-health-head">
        <span title={grading(health)}>
          <Mark grade={health.grade} />
        </span>
        <span>{verdict(health)}</span>
      </p>
      <Remarks health={health} />
      <dl class="ss-health-figures">
        {SHOWN.map((name) => {
          const figure = best(health, name);
          return figure && <Big key={name} figure={figure} health={health} />;
        })}
      </dl>
      <div class="ss-health-row">
        <Bars
          title="Density"
          about="How many features fire on which share of the tokens; those on the left never do."
          bins={health.density}
          isLog
          unit="features"
          edge={asDensity}
          apart={{ label: "never", n: health.n_features - health.n_alive }}
          mark={{ from: health.dense, label: `${count(health.n_dense)} dense` }}
        />
        <Bars
          title="Largest activation"
          about="How many of the features that fire have which largest activation."
          bins={health.maxima}
          isLog
          unit="features"
          edge={asNumber}
        />
        {health.l0 && (
          <Bars
            title="Features on a token"
            about="On how many tokens how many features fire at once."
            bins={health.l0}
            isLog={false}
            unit="tokens"
            edge={asNumber}
          />
        )}
      </div>
      <Measure
        client={client}
        info={info}
        figures={health.figures}
        n_tokens={state.n_tokens}
        setSize={(n_tokens) => update({ n_tokens })}
        isReadOnly={isReadOnly}
        onEnd={retry}
      />
      <Facts health={health} n_tokens={info.n_tokens} n_counted={info.n_counted} />
    </section>
  );
}

export const health: PanelView<HealthState> = {
  title: "Health",
  about: "How well the SAE does: what it keeps, how many features fire, and how often.",
  View: HealthView,
  initial: { n_tokens: 2048 },
  height_px: 620,
  hasFeature: false,
  code: () => "scope.health()",
};

function grading(health: Health): string {
  const parts = health.judged.flatMap((name) => {
    const figure = best(health, name);
    return figure ? [`${NAMES[name] ?? name}: ${thresholds(figure)}`] : [];
  });
  return `By the worse of two, by thresholds of our own. ${parts.join(". ")}.`;
}

function Remarks({ health }: { health: Health }) {
  const all = [...health.differences, ...health.warnings];
  if (all.length === 0) return null;
  return (
    <ul class="ss-health-remarks" aria-label="To know before believing the figures">
      {all.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

const WORDS: Record<string, (figure: HealthFigure, health: Health) => string> = {
  recovered: () => "of the loss, against the site at zero",
  explained_variance: () => "of the activations at the site",
  l0: (_, { n_features }) => `features fire on a token, of ${count(n_features)}`,
  alive: (_, { n_alive }) => `${count(n_alive)} features fire`,
  dense: (_, { n_dense, dense }) => `${count(n_dense)} fire on more than ${Math.round(100 * dense)}\u2009%`,
  single_token: () => "of those that fire, on one token almost only",
};

function Big({ figure, health }: { figure: HealthFigure; health: Health }) {
  const { name, meaning, grade, value } = figure;
  const limits = thresholds(figure);
  const tip = `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.${limits ? ` ${limits.charAt(0).toUpperCase()}${limits.slice(1)}.` : ""}`;
  return (
    <div title={tip}>
      <dt>{NAMES[name]}</dt>
      <dd>
        <span class="ss-health-value">
          {valueText(figure)} <small>{errorText(figure)}</small>
        </span>
        <span class="ss-health-words">
          {grade && (
            <span class={`ss-health-grade ss-health-grade-${grade}`}>
              <span class="ss-health-grade-shape" aria-hidden="true">
                {GRADES[grade].shape}
              </span>
              {`${grade} · `}
            </span>
          )}
          {value === null ? "not known" : WORDS[name]?.(figure, health)}
        </span>
        <span class="ss-health-words">{value === null ? "" : restsOn(figure)}</span>
      </dd>
    </div>
  );
}

function Facts({ health, n_tokens, n_counted }: { health: Health; n_tokens: number; n_counted: number }) {
  return (
    <dl class="ss-health-facts">
      {health.facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div>
        <dt>read</dt>
        <dd>
          {tokens(n_tokens)} tokens, {tokens(n_counted)} counted
        </dd>
      </div>
    </dl>
  );
}
