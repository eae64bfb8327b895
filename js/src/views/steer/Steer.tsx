import { useRef } from "preact/hooks";
import { percent } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure } from "../shell/Notice.js";
import { NeedsModel } from "../tryit/Empty.js";
import { useText } from "../tryit/useTried.js";
import { ContrastPrompts, DirectionTable } from "./Contrast.js";
import { Features } from "./Features.js";
import { Past } from "./Past.js";
import { Prompt } from "./Prompt.js";
import { Settings, Strengths } from "./Settings.js";
import {
  type Change,
  changesOf,
  lacking,
  MOST_RUNS,
  type Plan,
  planOf,
  type Run,
  type SteerState,
} from "./state.js";
import { paceText, Texts } from "./Texts.js";
import { told } from "./told.js";
import { useKnown } from "./useKnown.js";
import { type Running, useRun } from "./useRun.js";

/** Text that the model writes with features changed, beside what it writes without. */
function SteerView(props: ViewProps<SteerState>) {
  const { client, info, feature, choose, state, update, isReadOnly } = props;
  const { text, change } = useText(props);
  const box = useRef<HTMLTextAreaElement>(null);
  const runs = useRef(state.runs);
  runs.current = state.runs;
  const keep = (run: Run) => update({ runs: [run, ...runs.current].slice(0, MOST_RUNS), shown: 0 });
  const running = useRun(client, info.id, keep);
  const plan = planOf(state, text, feature);
  const changes = changesOf(state.changes, feature);
  const known = useKnown(
    client,
    info,
    changes.map((c) => c.feature),
  );
  const problem = lacking(plan);
  const begin = () => {
    if (!problem && !running.live) running.run(plan);
  };
  useKeys({
    w: ["write the prompt", () => box.current?.focus()],
    ...(running.live ? { Escape: ["stop writing", running.stop] as [string, () => void] } : {}),
  });
  if (isReadOnly) return <Outcome {...props} running={running} plan={plan} begin={begin} problem="" />;
  if (!info.has_model) return <NeedsModel />;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    begin();
  };
  const setChanges = (next: Change[]) => update({ changes: next });
  return (
    <div class="ss-steer" onKeyDown={onKeyDown}>
      <section class="ss-steer-ask" aria-label="What to write">
        <Prompt box={box} text={text} change={change} state={state} update={update} hasChat={known.hasChat} />
        <div class="ss-steer-by">
          <span class="ss-choice" role="group" aria-label="Steer by">
            <button
              type="button"
              aria-pressed={state.by === "features"}
              onClick={() => update({ by: "features" })}
            >
              features
            </button>
            <button
              type="button"
              aria-pressed={state.by === "contrast"}
              title="The difference of two lists of prompts (contrastive activation addition)."
              onClick={() => update({ by: "contrast" })}
            >
              contrast of prompts
            </button>
          </span>
        </div>
        {state.by === "features" ? (
          <Features
            changes={changes}
            isFollowing={state.changes.length === 0}
            set={setChanges}
            known={known}
            feature={feature}
            choose={choose}
            n_features={info.n_features}
          />
        ) : (
          <ContrastPrompts state={state} update={update} />
        )}
        <Strengths state={state} update={update} />
        <Settings state={state} update={update} />
      </section>
      <Outcome {...props} running={running} plan={plan} begin={begin} problem={problem} />
    </div>
  );
}

interface OutcomeProps extends ViewProps<SteerState> {
  running: Running;
  plan: Plan;
  begin: () => void;
  problem: string;
}

/** The texts: those that are being written, or those of a run that is over. */
function Outcome(props: OutcomeProps) {
  const { client, info, feature, choose, state, update, isReadOnly, running, plan, begin, problem } = props;
  const { live } = running;
  const shown = state.runs[state.shown] ?? state.runs[0];
  const isSlow = useSlow(live !== undefined && !live.hasBegun);
  const isFresh = live !== undefined && (live.hasBegun || isSlow);
  const texts = isFresh ? live.texts() : shown?.texts;
  const own = isFresh ? live.plan : shown?.plan;
  const isOther = own !== undefined && JSON.stringify(own) !== JSON.stringify(plan);
  return (
    <section class="ss-steer-outcome" aria-label="What the model writes">
      {!isReadOnly && (
        <RunBar running={running} begin={begin} problem={problem} plan={own} isOther={isOther} />
      )}
      {running.error && <Failure error={running.error} retry={begin} />}
      <div class="ss-steer-scroll" tabIndex={0} role="group" aria-label="Texts">
        {texts && own ? (
          <Texts
            texts={texts}
            plan={own}
            isOld={!isFresh && live !== undefined}
            isRunning={live !== undefined}
          />
        ) : (
          !running.error && (
            <p class="ss-quiet ss-steer-none">
              The model goes on from your text twice, as it is and steered, from the same seed.
            </p>
          )
        )}
        {state.by === "contrast" && !isReadOnly && (
          <DirectionTable
            client={client}
            scope={info.id}
            plan={plan}
            feature={feature}
            choose={choose}
            steer={(f) =>
              update({
                by: "features",
                changes: [
                  ...state.changes.filter((c) => c.feature !== f),
                  { feature: f, kind: "amplify", strength: 1 },
                ],
              })
            }
          />
        )}
      </div>
      {state.runs.length > 0 && !live && <Past {...props} />}
    </section>
  );
}

interface BarProps {
  running: Running;
  begin: () => void;
  problem: string;
  plan: Plan | undefined;
  isOther: boolean;
}

/** Run, or stop and how far it is. */
function RunBar({ running, begin, problem, plan, isOther }: BarProps) {
  const { live, stop } = running;
  const last = live?.last;
  const share = last && last.stage === "writing" ? percent(last.done, last.total) : undefined;
  const how = plan && !live ? drawn(plan, isOther) : "";
  return (
    <div class="ss-steer-bar">
      {live ? (
        <button type="button" class="ss-button ss-steer-run" onClick={stop} title="Escape">
          Stop
        </button>
      ) : (
        <button
          type="button"
          class="ss-button ss-steer-run"
          disabled={problem !== ""}
          onClick={begin}
          title="Ctrl+Enter"
        >
          Write
        </button>
      )}
      <span class="ss-quiet ss-steer-pace" role="status">
        {live ? paceText(last) : problem || how}
      </span>
      {live && (
        <div
          class={share === undefined ? "ss-progress ss-unknown" : "ss-progress"}
          role="progressbar"
          aria-label="Writing"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={share}
        >
          <div style={share === undefined ? undefined : { width: `${share}%` }} />
        </div>
      )}
    </div>
  );
}

/** How the shown texts were drawn. */
function drawn({ drawing, by }: Plan, isOther: boolean): string {
  const { temperature, top_p, seed, where } = drawing;
  const how =
    temperature === 0
      ? "likeliest tokens"
      : `temperature ${temperature}${top_p < 1 ? `, top p ${top_p}` : ""}, seed ${seed} in all texts`;
  const place = where === "answer" ? " · only the answer is steered" : "";
  return `${how}${place}${by === "contrast" ? " · by contrast" : ""}${isOther ? " · settings have changed since" : ""}`;
}

export const steer: PanelView<SteerState> = { ...told, View: SteerView };
