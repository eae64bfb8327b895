import type { Shared } from "../../data/shared.js";
import type { FeatureBrief, Metric } from "../../protocol/generated.js";
import { callName } from "../shell/FeatureName.js";

const N_CRUMBS = 4;
const SIZES = [10, 20, 50];

interface TrailProps {
  shared: Shared;
  briefOf: (feature: number) => FeatureBrief | undefined;
}

/** The way that was walked, and buttons to go back on it. */
export function Trail({ shared, briefOf }: TrailProps) {
  const before = shared.past.slice(-N_CRUMBS);
  const back = (n: number) => {
    for (let i = 0; i < n; i++) shared.back();
  };
  return (
    <nav class="ss-trail" aria-label="The way here">
      <span class="ss-steps">
        <button
          type="button"
          aria-label="Back"
          title="Back (b)"
          disabled={!shared.canGoBack}
          onClick={() => shared.back()}
        >
          ◀
        </button>
        <button
          type="button"
          aria-label="Forward"
          title="Forward (f)"
          disabled={!shared.canGoForward}
          onClick={() => shared.forward()}
        >
          ▶
        </button>
      </span>
      <ol class="ss-crumbs">
        {before.map((feature, i) => (
          <li key={`${i}-${feature}`}>
            <button
              type="button"
              class="ss-quiet-button"
              title={`Back to ${crumb(feature, briefOf)}`}
              onClick={() => back(before.length - i)}
            >
              {crumb(feature, briefOf)}
            </button>
          </li>
        ))}
        {shared.feature !== undefined && <li aria-current="page">{crumb(shared.feature, briefOf)}</li>}
      </ol>
    </nav>
  );
}

function crumb(feature: number, briefOf: TrailProps["briefOf"]): string {
  const brief = briefOf(feature);
  return brief ? `${feature} ${callName(brief)}`.trim() : String(feature);
}

interface MetricProps {
  metrics: Metric[] | undefined;
  metric: string;
  choose: (name: string) => void;
}

/** By what features are near: every metric there is, with what it means. */
export function MetricChoice({ metrics, metric, choose }: MetricProps) {
  return (
    <div class="ss-pick" role="group" aria-label="Near by">
      {metrics?.map(({ name, title, meaning, problem }) => (
        <button
          key={name}
          type="button"
          data-metric={name}
          aria-pressed={name === metric}
          aria-disabled={problem !== ""}
          title={problem ? `${meaning} ${problem}` : meaning}
          onClick={() => !problem && choose(name)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

/** How many neighbors. */
export function SizeChoice({ k, choose }: { k: number; choose: (k: number) => void }) {
  return (
    <div class="ss-pick" role="group" aria-label="How many neighbors">
      {SIZES.map((n) => (
        <button key={n} type="button" aria-pressed={n === k} onClick={() => choose(n)}>
          {n}
        </button>
      ))}
    </div>
  );
}
