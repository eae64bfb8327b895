import { useState } from "preact/hooks";
import { count } from "../../data/format.js";
import type { ViewProps } from "../../panels/panel.js";
import { asRequestError, isQuiet, type RequestError } from "../../protocol/client.js";
import type { LabelerInfo, LabelerList, LabelsMade, LayerList } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { useAnswer } from "../shell/useAnswer.js";
import { Clipped } from "./Clipped.js";
import { LayerTable } from "./ImportLabels.js";
import { Bar } from "./Results.js";
import { useLabeling } from "./run.js";
import { byOf, MAKE_LABELS, type ShareState, whichOf } from "./state.js";
import { useNews } from "./useNews.js";
import { Which } from "./Which.js";

/** Labels that a labeler makes of what features fire on: which features, by whom; how it goes, what came of it. */
export function MakeLabels(props: ViewProps<ShareState>) {
  const { client, info, shared, feature, state, update, choose } = props;
  const run = useLabeling(client);
  const news = useNews(client, info.id);
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState<RequestError>();
  const labelers = useAnswer<LabelerList>(
    info.id,
    "",
    async ({ signal }) => (await client.request("labels.labelers", { scope: info.id }, { signal })).data,
  );
  const layers = useAnswer<LayerList>(
    info.id,
    `${news}/${turn}`,
    async ({ signal }) => (await client.request("layers.get", { scope: info.id }, { signal })).data,
  );
  const known = labelers.shown?.labelers ?? [];
  const labeler = known.find(({ name }) => name === state.labeler) ?? known.find(({ problem }) => !problem);
  const by = byOf(state, MAKE_LABELS, shared);
  const { isRunning = false, progress, isStopped, error: failed, done } = run.state ?? {};
  const isSlow = useSlow(isRunning);
  const make = async () => {
    if (!labeler || labeler.problem || isRunning) return;
    const which = whichOf({ ...state, by }, MAKE_LABELS, shared, feature);
    const params = { scope: info.id, labeler: labeler.name, which };
    await run.start(labeler.name, (options) => client.request("labels.make", params, options));
    setTurn((n) => n + 1);
  };
  const change = async (task: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await task();
      run.forget();
    } catch (unmet) {
      if (!isQuiet(unmet)) setError(asRequestError(unmet));
    }
    setTurn((n) => n + 1);
  };
  const problem = error ?? failed;
  return (
    <form
      class="ss-share-form"
      aria-label="Make labels"
      onSubmit={(e) => {
        e.preventDefault();
        void make();
      }}
    >
      <p class="ss-share-about">
        Name features from what they fire on, as a layer under your own labels. Your own are never changed.
      </p>
      <Labelers known={known} chosen={labeler} choose={(name) => update({ labeler: name })} />
      <Which
        client={client}
        scope={info.id}
        by={by}
        setBy={(next) => update({ by: next })}
        list={state.list}
        setList={(list) => update({ list })}
        nPicked={shared.picked.length}
        nFeatures={info.n_features}
        hasTable={shared.table !== undefined}
        feature={feature}
        isToLabel
      />
      <div class="ss-share-foot">
        <div class="ss-share-row">
          <span class="ss-share-head" />
          <span class="ss-share-go">
            <button
              type="submit"
              class="ss-button ss-share-main"
              disabled={isRunning || !labeler || labeler.problem !== ""}
            >
              Make labels
            </button>
            <span role="status" class="ss-quiet">
              {isStopped && "Stopped: what was labeled before is in the layer."}
              {done && said(done)}
            </span>
          </span>
        </div>
        {isSlow && <Bar progress={progress} stop={() => run.stop()} />}
      </div>
      {(problem ?? labelers.error) && (
        <p class="ss-share-failed" role="alert">
          {problem?.message ?? labelers.error?.message} {problem?.hint ?? labelers.error?.hint}
        </p>
      )}
      {done && done.rows.length > 0 && <Surest made={done} choose={choose} />}
      {layers.shown && (
        <LayerTable
          found={layers.shown}
          isBusy={isRunning}
          remove={(name) => void change(() => client.request("layers.remove", { scope: info.id, name }))}
          undo={() => void change(() => client.request("layers.undo", { scope: info.id }))}
        />
      )}
    </form>
  );
}

interface LabelersProps {
  known: readonly LabelerInfo[];
  chosen: LabelerInfo | undefined;
  choose: (name: string) => void;
}

/** Which labeler, and what it does. */
function Labelers({ known, chosen, choose }: LabelersProps) {
  return (
    <div class="ss-share-row">
      <span class="ss-share-head">labeler</span>
      <span class="ss-share-go">
        <select
          aria-label="Labeler"
          value={chosen?.name ?? ""}
          onChange={(e) => choose(e.currentTarget.value)}
        >
          {known.map(({ name, package: from }) => (
            <option key={name} value={name}>
              {from === "saescope" ? name : `${name} (${from})`}
            </option>
          ))}
        </select>
        <span role="status" class={chosen?.problem ? "ss-share-problem" : "ss-quiet"}>
          {chosen?.problem || chosen?.meaning}
        </span>
      </span>
    </div>
  );
}

function said({ n_labeled, n_asked, n_own }: LabelsMade): string {
  const rest =
    n_own > 0
      ? ` ${count(n_own)} of them ${n_own === 1 ? "has" : "have"} a label of yours, which stays above.`
      : "";
  return `Labeled ${count(n_labeled)} of ${count(n_asked)}.${rest}`;
}

/** The surest of what came of it, with why. */
function Surest({ made, choose }: { made: LabelsMade; choose: (feature: number) => void }) {
  const { rows, n_labeled } = made;
  return (
    <table class="ss-share-changes ss-share-surest" aria-label="The surest labels">
      <thead>
        <tr>
          <th scope="col">of</th>
          <th scope="col">label</th>
          <th scope="col">score</th>
          <th scope="col">why</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ feature, label, reason, score }) => (
          <tr key={feature}>
            <th scope="row">
              <button
                type="button"
                class="ss-share-number-button"
                title="Open the feature."
                onClick={() => choose(feature)}
              >
                #{feature}
              </button>
            </th>
            <td>
              <Clipped text={label} />
            </td>
            <td>{score === null ? "" : score.toFixed(2)}</td>
            <td>
              <Clipped text={reason} />
            </td>
          </tr>
        ))}
      </tbody>
      {n_labeled > rows.length && (
        <tfoot>
          <tr>
            <td colSpan={4}>and {count(n_labeled - rows.length)} more, in the layer</td>
          </tr>
        </tfoot>
      )}
    </table>
  );
}
