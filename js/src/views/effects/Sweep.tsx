import { useEffect, useState } from "preact/hooks";
import { number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { EffectParams, ScopeInfo, SweepRead } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure } from "../shell/Notice.js";
import { useAnswer } from "../shell/useAnswer.js";
import { MethodTag } from "./EffectBar.js";
import type { EffectData } from "./effectData.js";
import { SweepChart } from "./SweepChart.js";
import { change, probability, visible } from "./signed.js";
import { type EffectsState, sweepParams } from "./state.js";
import { type Axis, strengthText } from "./strength.js";

const AXES: readonly [Axis, string, string, string][] = [
  ["delta_logprob", "Δ log p", "nats", "The change of the next token's log-probability."],
  ["kl", "KL", "nats", "From the model's own next-token probabilities to the changed ones."],
  ["contrast", "Δ contrast", "logits", "The change of the token's logit less that of the other."],
];

interface Props {
  client: Client;
  info: ScopeInfo;
  params: EffectParams;
  effect: EffectData;
  /** Whether the effect is that of the present text and change. */
  isReady: boolean;
  look: number;
  state: EffectsState;
  update: (part: Partial<EffectsState>) => void;
}

/** The effect against strength, with the feature's natural range, and its controls beside it. */
export function SweepView({ client, params, effect, isReady, look, state, update }: Props) {
  const target = effect.target(look);
  const isLast = look === effect.last;
  const contrast = isLast && state.aim.target ? state.aim.contrast : undefined;
  const wanted =
    isReady && target
      ? JSON.stringify(sweepParams(params, effect.data.tokens, look, target.token, contrast?.token))
      : undefined;
  const [stopped, setStopped] = useState<string>();
  useEffect(() => setStopped(undefined), [wanted]);
  const isStopped = wanted !== undefined && stopped === wanted;
  const answer = useAnswer<SweepRead>(isStopped ? undefined : wanted, "", async ({ signal, tell }) => {
    const asked = JSON.parse(wanted ?? "{}");
    const options = { signal, slot: "sweep", onEvent: tell, isLong: true };
    return (await client.request("effects.sweep", asked, options)).data;
  });
  const [at, setAt] = useState<number>();
  const sweep = answer.shown;
  const isOld = useSlow(answer.isWaiting && answer.key !== wanted);
  const axis: Axis = state.axis === "contrast" && !contrast ? "delta_logprob" : state.axis;
  const isPart = answer.isWaiting && sweep !== undefined && answer.key === wanted;
  if (answer.error) return <Failure error={answer.error} retry={answer.retry} />;
  return (
    <div class={isOld ? "ss-eff-sweep ss-old" : "ss-eff-sweep"}>
      <div class="ss-eff-sweep-head">
        <h3>
          <code>{visible(target?.text ?? "")}</code>{" "}
          <span class="ss-quiet">
            after <code>{visible(effect.data.texts[look] ?? "")}</code> at {look}
          </span>
        </h3>
        <div class="ss-pick" role="group" aria-label="Against strength">
          {AXES.filter(([name]) => name !== "contrast" || contrast).map(([name, title, , about]) => (
            <button
              key={name}
              type="button"
              aria-pressed={axis === name}
              title={about}
              onClick={() => update({ axis: name })}
            >
              {title}
            </button>
          ))}
        </div>
        <Running
          sweep={isPart ? sweep : undefined}
          isWaiting={answer.isWaiting}
          isStopped={isStopped}
          stop={() => setStopped(wanted)}
          again={() => setStopped(undefined)}
        />
      </div>
      {sweep && (
        <>
          <SweepChart
            sweep={sweep}
            axis={axis}
            unit={AXES.find(([name]) => name === axis)?.[2] ?? ""}
            at={at}
            point={setAt}
          />
          <Readout sweep={sweep} at={at} />
          <p class="ss-eff-honest ss-quiet">
            <MethodTag method="exact" /> n 1 text ·{" "}
            {sweep.n_controls > 0 ? `control: mean of ${sweep.n_controls} matched` : "control …"} ·{" "}
            {placed(sweep)}
            {sweep.natural ? "" : " · no natural range: it has not fired in an index"}
          </p>
        </>
      )}
    </div>
  );
}

function placed({ fires, at, feature }: SweepRead): string {
  if (!fires) return `#${feature} does not fire there: each strength is set at the last token`;
  return at.length === 1
    ? "changed at one token"
    : `changed at ${at.length} tokens, in proportion to what they have`;
}

/** The figures at the strength that is pointed at, or at the present one. */
function Readout({ sweep, at }: { sweep: SweepRead; at: number | undefined }) {
  const place = at ?? sweep.strengths.indexOf(sweep.current);
  const strength = sweep.strengths[place];
  const point = sweep.points.find((p) => p.place === place);
  if (strength === undefined || !point) return <p class="ss-eff-read">&nbsp;</p>;
  return (
    <p class="ss-eff-read" role="status">
      <b>{strengthText(sweep, strength)}</b>
      <span>p {probability(Math.exp(point.logprob))}</span>
      <span>Δ log p {change(point.delta_logprob)}</span>
      <span>KL {number(point.kl)}</span>
      {point.contrast !== null && <span>Δ contrast {change(point.contrast)}</span>}
      {point.control_delta_logprob !== null && (
        <span class="ss-quiet">
          control Δ {change(point.control_delta_logprob)}, KL {number(point.control_kl ?? 0)}
        </span>
      )}
    </p>
  );
}

interface RunningProps {
  sweep: SweepRead | undefined;
  isWaiting: boolean;
  isStopped: boolean;
  stop: () => void;
  again: () => void;
}

function Running({ sweep, isWaiting, isStopped, stop, again }: RunningProps) {
  const isSlow = useSlow(isWaiting);
  if (isStopped)
    return (
      <span class="ss-eff-wait" role="status">
        Stopped.{" "}
        <button type="button" class="ss-button" onClick={again}>
          Run
        </button>
      </span>
    );
  if (!isSlow) return null;
  const said = !sweep
    ? "Running."
    : sweep.done === 0
      ? `${sweep.points.length} of ${sweep.strengths.length} strengths`
      : `control ${sweep.done} of ${sweep.total - 1}`;
  return (
    <span class="ss-eff-wait" role="status">
      <span class="ss-quiet">{said}</span>{" "}
      <button type="button" class="ss-button" onClick={stop}>
        Stop
      </button>
    </span>
  );
}
