import { count, density, number, tokens } from "../data/format.js";
import type { FeaturePage as Page, ScopeInfo } from "../protocol/generated.js";
import { Examples, ExamplesBar } from "./Examples.js";
import { Histogram } from "./Histogram.js";
import { useSlow } from "./hooks.js";
import { Failure, Notice, Skeleton, Stale } from "./Notice.js";
import { NumberBox } from "./NumberBox.js";
import { Promoted } from "./Promoted.js";
import type { FeatureAnswer } from "./useFeature.js";

interface Props {
  info: ScopeInfo;
  feature: number | undefined;
  answer: FeatureAnswer;
  group: string;
  context: number;
  isNarrow: boolean;
  go: (feature: number) => void;
  step: (delta: 1 | -1) => void;
  setGroup: (group: string) => void;
  setContext: (context: number) => void;
}

/** One feature: what it is, how often it fires, what it promotes, and where it fires. */
export function FeaturePage(props: Props) {
  const { info, feature, answer, isNarrow, group, context, setGroup, setContext } = props;
  const { shown, error, staleError, isWaiting, retry } = answer;
  const isSlow = useSlow(isWaiting);
  const isOther = shown !== undefined && shown.page.feature !== feature;
  const page = shown?.page;
  return (
    <section class="ss-page" aria-label="Feature" data-page-feature={page?.feature}>
      <div class="ss-title">
        <NumberBox feature={feature} n_features={info.n_features} go={props.go} />
        <div class="ss-steps">
          <button
            type="button"
            aria-label="Previous feature"
            title="Previous (k)"
            onClick={() => props.step(-1)}
          >
            ◀
          </button>
          <button type="button" aria-label="Next feature" title="Next (j)" onClick={() => props.step(1)}>
            ▶
          </button>
        </div>
        {page && !error && <TopTokens page={page} />}
      </div>
      {error ? (
        <Failure error={error} retry={retry} />
      ) : !page || (isSlow && isOther) ? (
        isSlow && <Skeleton lines={14} />
      ) : (
        <>
          {staleError && <Stale error={staleError} retry={retry} />}
          <Facts page={page} />
          <Promoted page={page} lens={info.lens} />
          {page.n_fires === 0 ? (
            <Notice title={`This feature never fired on the ${tokens(page.n_counted)} tokens of the index.`}>
              <p>It may be dead, or the text may hold nothing that it is about.</p>
            </Notice>
          ) : (
            <>
              <ExamplesBar
                shown={shown}
                group={group}
                context={context}
                setGroup={setGroup}
                setContext={setContext}
              />
              <Examples shown={shown} isNarrow={isNarrow} />
            </>
          )}
        </>
      )}
    </section>
  );
}

function TopTokens({ page }: { page: Page }) {
  return (
    <span class="ss-top" title="The tokens on which it is strongest.">
      {page.top_tokens.slice(0, 4).map((token, i) => (
        <span key={i}>{token.text.trim().replaceAll("\n", "⏎") || "␣"}</span>
      ))}
    </span>
  );
}

function Facts({ page }: { page: Page }) {
  return (
    <div class="ss-facts">
      <dl>
        <div>
          <dt title={`${count(page.n_fires)} of ${count(page.n_counted)} tokens.`}>fires on</dt>
          <dd>
            {page.n_fires > 0 ? `${density(page.density)} of ${tokens(page.n_counted)} tokens` : "no token"}
          </dd>
        </div>
        <Fact name="max" value={page.max} title="The largest activation." />
        <Fact name="mean" value={page.mean} title="The mean over the tokens on which it fires." />
        <Fact name="median" value={page.median} title="The median over the tokens on which it fires." />
      </dl>
      <Histogram bins={page.histogram} />
    </div>
  );
}

function Fact({ name, value, title }: { name: string; value: number; title: string }) {
  return (
    <div>
      <dt title={title}>{name}</dt>
      <dd>{number(value)}</dd>
    </div>
  );
}
