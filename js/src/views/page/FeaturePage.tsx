import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { called } from "../../data/call.js";
import { tokens } from "../../data/format.js";
import { plain } from "../../data/script.js";
import type { Reader } from "../../data/shared.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { TABS } from "../../panels/tabs.js";
import { FeatureActions } from "../../plugins/FeatureActions.js";
import type { Example, FeaturePage as Page, ScopeInfo } from "../../protocol/generated.js";
import { KeptList } from "../kept/KeptList.js";
import { settingsFor } from "../kept/keeping.js";
import { NoteLine } from "../notes/NoteEditor.js";
import { peakRow, useMarks } from "../notes/useMarks.js";
import { deskOf } from "../notes/useNote.js";
import { readable } from "../shell/FeatureName.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { DocumentReader } from "./DocumentReader.js";
import { type Actions, Examples } from "./Examples.js";
import { ExamplesBar } from "./ExamplesBar.js";
import { Facts } from "./Facts.js";
import { Histogram } from "./Histogram.js";
import { NumberBox } from "./NumberBox.js";
import { Promoted } from "./Promoted.js";
import { CONTEXTS, callOf, INITIAL, intervalOf, type PageState, queryOf } from "./query.js";
import { Pointed, RangeContext } from "./range.js";
import { type Pinned, TokenCard } from "./TokenCard.js";
import { factorOf, scaled } from "./units.js";
import { type FeatureAnswer, type Shown, useFeature } from "./useFeature.js";

/** The page of the feature that is selected, or locked. */
function PageView(props: ViewProps<PageState>) {
  const { client, info, shared, feature, choose, update } = props;
  const state = { ...INITIAL, ...props.state };
  const answer = useFeature(client, info, feature, queryOf(state));
  const section = useRef<HTMLElement>(null);
  const isFollowing = feature === shared.feature;
  useLayoutEffect(() => {
    const read: Reader = (next, isChosen) => {
      answer.read(next, isChosen);
      if (isChosen && !props.isReadOnly) deskOf(client, info.id, info.key).expect(next);
    };
    shared.reader = isFollowing ? read : undefined;
  });
  useLayoutEffect(
    () => () => {
      shared.reader = undefined;
    },
    [shared],
  );
  const step = (delta: 1 | -1) => {
    if (shared.stepper) return shared.stepper(delta);
    const next = (feature ?? -1) + delta;
    if (next >= 0 && next < info.n_features) choose(next);
  };
  const setContext = (delta: 1 | -1) => {
    const next = CONTEXTS[CONTEXTS.indexOf(state.context) + delta];
    if (next !== undefined) update({ context: next });
  };
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
  return <FeaturePage {...props} state={state} section={section} answer={answer} step={step} />;
}

export const page: PanelView<PageState> = {
  title: "Feature",
  about: "One feature: its figures, and the text on which it fires.",
  View: PageView,
  initial: INITIAL,
  height_px: 740,
  hasFeature: true,
  ...called((state: PageState, feature = 0) => [callOf(state, feature)]),
};

interface Props extends ViewProps<PageState> {
  section: RefObject<HTMLElement | null>;
  answer: FeatureAnswer;
  step: (delta: 1 | -1) => void;
}

/** One feature: what it is, how often it fires, what it promotes, and where it fires. */
function FeaturePage(props: Props) {
  const { section, info, feature, answer, step, choose } = props;
  const { shown, error, retry, isWaiting } = answer;
  const range = useMemo(() => new Pointed(), []);
  const isSlow = useSlow(isWaiting);
  const isOther = shown !== undefined && shown.page.feature !== feature;
  // asking the element where it is scrolled to would have it laid out at once
  const isScrolled = useRef(false);
  useLayoutEffect(() => {
    if (isScrolled.current) section.current?.scrollTo?.({ top: 0 });
  }, [shown?.page.feature]);
  return (
    <RangeContext.Provider value={range}>
      <section
        class="ss-page"
        ref={section}
        onScroll={(e) => {
          isScrolled.current = e.currentTarget.scrollTop > 0;
        }}
        aria-label="Feature"
        data-page-feature={shown?.page.feature}
      >
        <div class="ss-title">
          <NumberBox feature={feature} n_features={info.n_features} go={choose} />
          <div class="ss-steps">
            <button type="button" aria-label="Previous feature" title="Previous (k)" onClick={() => step(-1)}>
              ◀
            </button>
            <button type="button" aria-label="Next feature" title="Next (j)" onClick={() => step(1)}>
              ▶
            </button>
          </div>
          {shown && !error && <TopTokens page={shown.page} />}
          {feature !== undefined && !props.isReadOnly && (
            <FeatureActions client={props.client} info={info} feature={feature} />
          )}
        </div>
        {feature !== undefined && (
          <NoteLine
            client={props.client}
            info={info}
            feature={feature}
            isReadOnly={props.isReadOnly}
            next={() => step(1)}
          />
        )}
        {error ? (
          <Failure error={error} retry={retry} />
        ) : !shown || (isSlow && isOther) ? (
          isSlow && <Skeleton lines={14} />
        ) : (
          <Body {...props} shown={shown} />
        )}
      </section>
    </RangeContext.Provider>
  );
}

/** What is known of the feature. */
function Body(props: Props & { shown: Shown }) {
  const { client, info, feature, answer, state, update, isNarrow, isReadOnly, isSideBar, choose } = props;
  const units = info.why_not_folded ? "sae" : state.units;
  const factor = factorOf(props.shown.page, units);
  const shown = useMemo(() => scaled(props.shown, factor), [props.shown, factor]);
  const { page } = shown;
  const [pinned, setPinned] = useState<Pinned>();
  const [read, setRead] = useState<Example>();
  useLayoutEffect(() => {
    setPinned(undefined);
    setRead(undefined);
  }, [page.feature]);
  const marks = useMarks(client, info.id, page.feature, shown.examples);
  const actions: Actions = {
    pin: (example, i, token) => setPinned({ example, i, token }),
    copy: (example) => void navigator.clipboard?.writeText(plain(example.texts)),
    ...(isReadOnly
      ? {}
      : {
          mark: (example, mark) => void marks.desk.mark(page.feature, { row: peakRow(example) }, mark),
          read: setRead,
          tryIt: (example: Example) => tryIt(props, example),
        }),
  };
  const interval = intervalOf(shown.query.group);
  const chosen = shown.groups.find((g) => g.name === shown.query.group);
  return (
    <>
      {answer.staleError && <Stale error={answer.staleError} retry={answer.retry} />}
      <div class="ss-figures">
        <div class="ss-said">
          <Facts
            page={page}
            isOtherRule={shown.query.rule !== null}
            isShort={isSideBar ?? false}
            isFolded={units === "folded"}
          />
          <Promoted
            client={client}
            info={info}
            page={page}
            isOpen={state.isLensOpen}
            setOpen={(isLensOpen) => update({ isLensOpen })}
            reads={state.readsLens}
            setReads={() => update({ readsLens: true })}
            isReadOnly={isReadOnly}
          />
        </div>
        {page.n_fires > 0 && (
          <Histogram
            bins={page.histogram}
            n_intervals={shown.query.n_intervals}
            chosen={interval === undefined || !chosen ? undefined : [chosen.low, chosen.high]}
          />
        )}
      </div>
      {!isSideBar && (
        <KeptList
          client={client}
          scope={info.id}
          feature={page.feature}
          hasModel={info.has_model}
          isReadOnly={isReadOnly}
          open={props.openTab && (({ panel }) => openKept(props, panel))}
        />
      )}
      {page.n_fires === 0 && !shown.query.rule ? (
        <NeverFired page={page} info={info} />
      ) : (
        <>
          <ExamplesBar info={info} shown={shown} state={state} update={update} isReadOnly={isReadOnly} />
          <Examples
            shown={shown}
            markOf={marks.of}
            isNarrow={isNarrow}
            hasBreaks={state.hasBreaks}
            actions={actions}
          />
        </>
      )}
      {pinned && (
        <TokenCard
          key={`${pinned.example.row}-${pinned.i}`}
          client={client}
          info={info}
          feature={feature}
          pinned={pinned}
          choose={choose}
          isReadOnly={isReadOnly}
          isFolded={units === "folded"}
          close={() => setPinned(undefined)}
        />
      )}
      {read && (
        <DocumentReader
          client={client}
          info={info}
          feature={page.feature}
          max={page.max}
          factor={factor}
          example={read}
          close={() => setRead(undefined)}
        />
      )}
    </>
  );
}

/** Show the panel that a result was kept from, as it was. */
function openKept({ shared, update, openTab }: Props, kept: Record<string, unknown>): void {
  const { name, state } = kept;
  if (name === "feature") update(settingsFor(INITIAL, state));
  const panel = typeof name === "string" ? TABS[name] : undefined;
  if (typeof name !== "string" || !panel) return;
  const settings = settingsFor(panel.initial, state);
  if (typeof settings["text"] === "string") shared.setText(settings["text"]);
  openTab?.(name, settings);
}

function tryIt({ shared, openTab }: Props, example: Example): void {
  shared.setText(plain(example.texts));
  openTab?.("try_it");
}

function NeverFired({ page, info }: { page: Page; info: ScopeInfo }) {
  if (page.is_known === false)
    return (
      <Notice title="The source of this index does not hold this feature.">
        <p>{info.imported}</p>
      </Notice>
    );
  const growing = info.is_complete ? "" : " so far";
  return (
    <Notice
      title={`This feature never fired on the ${tokens(page.n_counted)} tokens of the index${growing}.`}
    >
      <p>It may be dead, or the text may hold nothing that it is about.</p>
    </Notice>
  );
}

function TopTokens({ page }: { page: Page }) {
  return (
    <span class="ss-top" title="The tokens on which it is strongest.">
      {page.top_tokens.slice(0, 4).map((token, i) => (
        <bdi key={i}>{readable(token.text)}</bdi>
      ))}
    </span>
  );
}
