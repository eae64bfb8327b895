import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { count, density, number, tokens } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { FeaturePage as Page, ScopeInfo } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { CONTEXTS, Examples, ExamplesBar } from "./Examples.js";
import { Histogram } from "./Histogram.js";
import { NumberBox } from "./NumberBox.js";
import { Promoted } from "./Promoted.js";
import { type FeatureAnswer, useFeature } from "./useFeature.js";

/** What a person did on the page. */
export interface PageState {
  group: string;
  context: number;
}

/** The page of the feature that is selected, or locked. */
function PageView({ client, info, shared, feature, choose, state, update, isNarrow }: ViewProps<PageState>) {
  const { group, context } = state;
  const answer = useFeature(client, info, feature, group, context);
  const setContext = (delta: 1 | -1) => {
    const next = CONTEXTS[CONTEXTS.indexOf(context) + delta];
    if (next !== undefined) update({ context: next });
  };
  const step = (delta: 1 | -1) => {
    if (shared.stepper) return shared.stepper(delta);
    const next = (feature ?? -1) + delta;
    if (next >= 0 && next < info.n_features) choose(next);
  };
  const section = useRef<HTMLElement>(null);
  useKeys({
    ...(shared.stepper
      ? {}
      : { j: ["next feature", () => step(1)], k: ["previous feature", () => step(-1)] }),
    Enter: ["to the examples", () => section.current?.querySelector<HTMLElement>(".ss-text")?.focus()],
    "[": ["less context", () => setContext(-1)],
    "]": ["more context", () => setContext(1)],
  });
  useEffect(() => {
    if (feature === undefined && !shared.stepper) shared.open(0);
  }, [feature]);
  return (
    <FeaturePage
      section={section}
      info={info}
      feature={feature}
      answer={answer}
      group={group}
      context={context}
      isNarrow={isNarrow}
      go={choose}
      step={step}
      setGroup={(next) => update({ group: next })}
      setContext={(next) => update({ context: next })}
    />
  );
}

export const page: PanelView<PageState> = {
  title: "Feature",
  about: "One feature: its figures, and the text on which it fires.",
  View: PageView,
  initial: { group: "top", context: 16 },
  height_px: 560,
  hasFeature: true,
  code: ({ group, context }, feature = 0) =>
    `scope.examples(${feature}, group="${group}", context=${context})`,
};

interface Props {
  section: RefObject<HTMLElement | null>;
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
function FeaturePage(props: Props) {
  const { section, info, feature, answer, isNarrow, group, context, setGroup, setContext } = props;
  const { shown, error, staleError, isWaiting, retry } = answer;
  const isSlow = useSlow(isWaiting);
  const isOther = shown !== undefined && shown.page.feature !== feature;
  const page = shown?.page;
  return (
    <section class="ss-page" ref={section} aria-label="Feature" data-page-feature={page?.feature}>
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
