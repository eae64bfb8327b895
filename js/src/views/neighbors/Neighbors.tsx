import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { called } from "../../data/call.js";
import { tokens } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { Neighbors as Answer, Metric } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import { useSize } from "../shell/useSize.js";
import { MetricChoice, SizeChoice, Trail } from "./Bar.js";
import { NeighborList } from "./NeighborList.js";
import { StarPicture } from "./StarPicture.js";
import { useMetrics, useNeighbors } from "./useNeighbors.js";

const SIDE_BY_SIDE_PX = 560;

/** What a person did among the neighbors. */
export interface NeighborsState {
  metric: string;
  k: number;
  /** Whether the picture is shown where there is no room beside the list. */
  hasPicture: boolean;
}

/** The nearest features of one, as a list and as a picture; a click walks on. */
function NeighborsView(props: ViewProps<NeighborsState>) {
  const { client, info, shared, feature, choose, state, update, isReadOnly } = props;
  const { metric, k, hasPicture } = state;
  const metrics = useMetrics(client, info);
  const about = metrics?.find((m) => m.name === metric);
  const answer = useNeighbors(client, info, about?.problem ? undefined : feature, metric, k);
  const root = useRef<HTMLElement>(null);
  const isBeside = useSize(root, { width: 700, height: 400 }).width >= SIDE_BY_SIDE_PX;
  useEffect(() => {
    if (feature === undefined && !shared.stepper) shared.open(0);
  }, [feature]);
  const metricChoice = (
    <MetricChoice metrics={metrics} metric={metric} choose={(name) => update({ metric: name })} />
  );
  return (
    <section
      ref={root}
      class={isBeside ? "ss-near ss-near-beside" : "ss-near"}
      aria-label="Neighbors"
      data-neighbors-of={answer.shown?.center.feature}
    >
      <div class="ss-near-bar">
        <Trail shared={shared} briefOf={answer.briefOf} />
        {!isReadOnly && metricChoice}
        {!isReadOnly && <SizeChoice k={k} choose={(n) => update({ k: n })} />}
        {!isBeside && (
          <button
            type="button"
            class="ss-quiet-button"
            aria-pressed={hasPicture}
            onClick={() => update({ hasPicture: !hasPicture })}
          >
            picture
          </button>
        )}
      </div>
      <Body
        {...props}
        answer={answer}
        about={about}
        metrics={metrics}
        hasPicture={isBeside || hasPicture}
        choose={choose}
      />
    </section>
  );
}

interface BodyProps extends ViewProps<NeighborsState> {
  answer: ReturnType<typeof useNeighbors>;
  about: Metric | undefined;
  metrics: Metric[] | undefined;
  hasPicture: boolean;
}

/** The neighbors, or why there are none. */
function Body({ info, feature, shared, choose, update, answer, about, metrics, hasPicture }: BodyProps) {
  const { shown, error, staleError, isWaiting, retry } = answer;
  const isSlow = useSlow(isWaiting);
  const [pointed, setPointed] = useState<number>();
  const near = useMemo(() => shown && withScore(shown), [shown]);
  const other = metrics?.find((m) => !m.problem && !m.is_by_firing && m.name !== about?.name);
  const instead = other && (
    <button type="button" class="ss-button" onClick={() => update({ metric: other.name })}>
      Nearest by {other.title}
    </button>
  );
  if (info.n_features < 2) return <Notice title="This SAE has one feature: it has no neighbors." />;
  if (about?.problem)
    return (
      <Notice title={`There are no neighbors by ${about.title} here.`}>
        <p>{about.problem}</p>
        {instead}
      </Notice>
    );
  if (error) return <Failure error={error} retry={retry} />;
  const isOther = shown !== undefined && shown.center.feature !== feature;
  if (!shown || !near || (isSlow && isOther)) return isSlow ? <Skeleton lines={10} /> : null;
  const { center, metric } = shown;
  if (metric.is_by_firing && center.n_fires === 0)
    return (
      <Notice
        title={`Feature ${center.feature} never fired on the ${tokens(info.n_counted)} tokens of the index.`}
      >
        <p>Nothing fires together with it.</p>
        {instead}
      </Notice>
    );
  return (
    <>
      <p class="ss-near-about" title={metric.meaning}>
        {metric.meaning}
        {staleError && <Stale error={staleError} retry={retry} />}
      </p>
      <div class={isWaiting && isSlow ? "ss-near-body ss-near-waiting" : "ss-near-body"}>
        <NeighborList
          answer={near}
          hasIndex={info.has_index}
          nLeftOut={shown.neighbors.length - near.neighbors.length}
          open={shared.feature}
          pointed={pointed}
          point={setPointed}
          choose={choose}
        />
        {hasPicture && near.neighbors.length > 0 && (
          <StarPicture answer={near} pointed={pointed} point={setPointed} choose={choose} />
        )}
      </div>
    </>
  );
}

/** Where the lowest score is 0, a neighbor of score 0 is none. */
function withScore(answer: Answer): Answer {
  if (answer.metric.low !== 0) return answer;
  const kept = answer.neighbors.map((n, i) => [n, i + 1] as const).filter(([n]) => n.score > 0 || !!n.error);
  if (kept.length === answer.neighbors.length) return answer;
  const size = answer.neighbors.length + 1;
  const places = [0, ...kept.map(([, place]) => place)];
  const links =
    answer.links.length === 0
      ? []
      : places.flatMap((i, a) =>
          places.slice(a + 1).map((j) => answer.links[i * size - (i * (i + 1)) / 2 + j - i - 1] ?? 0),
        );
  return { ...answer, neighbors: kept.map(([n]) => n), links };
}

export const neighbors: PanelView<NeighborsState> = {
  title: "Neighbors",
  about: "The nearest features, by direction or by what fires together.",
  View: NeighborsView,
  initial: { metric: "decoder", k: 20, hasPicture: true },
  height_px: 520,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called(({ metric, k }: NeighborsState, feature = 0) => [
    { method: "neighbors", args: { feature, k, metric } },
  ]),
};
