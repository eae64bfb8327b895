import { number } from "../../data/format.js";
import type { EffectControl, FeatureBrief } from "../../protocol/generated.js";
import { callName } from "../shell/FeatureName.js";
import { EffectBar, MethodTag } from "./EffectBar.js";
import { controlAt, type EffectData } from "./effectData.js";
import { Moved } from "./Moved.js";
import { change, probability, visible } from "./signed.js";

const SHOWN = 3;

interface Props {
  effect: EffectData;
  control: EffectControl | undefined;
  isControlComing: boolean;
  controlProblem: string;
  look: number;
  contrastText: string | undefined;
  choose: (feature: number) => void;
  isOld: boolean;
}

/** What the change does to the next token after one position: before and after, and beside its control. */
export function Result(props: Props) {
  const { effect, control, look, contrastText, isOld } = props;
  const target = effect.target(look);
  const logprobs = effect.logprobs(look);
  const [before, after] = logprobs ?? [undefined, undefined];
  const beside = controlAt(control, look);
  const delta = effect.delta(look);
  const kl = effect.kl(look);
  const contrast = effect.contrast(look);
  const top = Math.max(Math.abs(delta), Math.abs(beside?.delta ?? 0), 1e-6);
  const klTop = Math.max(kl, beside?.kl ?? 0, 1e-6);
  const moved = effect.moved(look);
  return (
    <div class={isOld ? "ss-eff-result ss-old" : "ss-eff-result"}>
      <h3>
        <code>{visible(target?.text ?? "")}</code>{" "}
        <span class="ss-quiet">
          after <code>{visible(effect.data.texts[look] ?? "")}</code> at {look}
        </span>
        <span class="ss-quiet ss-eff-where">changed at {placesOf(effect)}</span>
      </h3>
      {before !== undefined && after !== undefined ? (
        <>
          <dl class="ss-eff-figures">
            <Probability name="before" logprob={before} top={Math.exp(Math.max(before, after))} />
            <Probability name="after" logprob={after} top={Math.exp(Math.max(before, after))} sign={delta} />
            <dt title="The change of the token's log-probability.">Δ log p</dt>
            <dd>
              <EffectBar value={delta} top={top} control={beside?.delta} isBare />
              <b>{change(delta)} nats</b>
              <Beside value={beside?.delta} isSigned {...props} />
            </dd>
            <dt title="KL divergence from the model's own probabilities of all tokens to the changed ones.">
              KL
            </dt>
            <dd>
              <EffectBar value={kl} top={klTop} control={beside?.kl} isSize isBare />
              <b>{number(kl)} nats</b>
              <Beside value={beside?.kl} {...props} />
            </dd>
            {contrast !== undefined && contrastText !== undefined && (
              <>
                <dt title={`The change of its logit less that of ${visible(contrastText)}.`}>Δ contrast</dt>
                <dd>
                  <EffectBar value={contrast} top={Math.max(Math.abs(contrast), 1e-6)} isBare />
                  <b>{change(contrast)} logits</b>
                  <span class="ss-quiet">
                    against <code>{visible(contrastText)}</code>
                  </span>
                </dd>
              </>
            )}
          </dl>
          <p class="ss-eff-honest">
            <MethodTag method="exact" /> <span title="One text is one observation.">n 1 text</span>
            <Controls {...props} />
          </p>
          <Moved {...moved} target={target?.token} />
        </>
      ) : (
        <p class="ss-quiet">Nothing changes here: it comes before the first token that is changed.</p>
      )}
    </div>
  );
}

function Probability({
  name,
  logprob,
  top,
  sign,
}: {
  name: string;
  logprob: number;
  top: number;
  sign?: number;
}) {
  const p = Math.exp(logprob);
  const kind = !sign ? "" : sign < 0 ? "ss-fall" : "ss-rise";
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <span class="ss-eff-p" aria-hidden="true">
          <span class={kind} style={{ width: `${top > 0 ? (100 * p) / top : 0}%` }} />
        </span>
        <span>p {probability(p)}</span>
        <span class="ss-quiet">log p {number(logprob)}</span>
      </dd>
    </>
  );
}

/** Where the change is made, in a few words. */
function placesOf({ data }: EffectData): string {
  const { at, texts, tokens } = data;
  if (at.length > SHOWN) return `${at.length} of ${tokens.length} tokens`;
  return at.map((pos) => `“${visible(texts[pos] ?? "")}” ${pos}`).join(", ");
}

interface BesideProps {
  value: number | undefined;
  isSigned?: boolean;
  isControlComing: boolean;
  controlProblem: string;
}

function Beside({ value, isSigned, isControlComing, controlProblem }: BesideProps) {
  if (value === undefined)
    return <span class="ss-quiet">{isControlComing ? "control …" : controlProblem ? "no control" : ""}</span>;
  return <span class="ss-quiet">control {isSigned ? change(value) : number(value)}</span>;
}

const ABOUT =
  "The same change at the same tokens along the directions of features of like norm and density, far from this one.";

/** Which features' directions the control went along. */
function Controls({ control, choose, controlProblem }: Props) {
  if (controlProblem) return <span class="ss-quiet"> · no control: {controlProblem}</span>;
  if (!control || control.controls.length === 0) return null;
  const n = control.controls.length;
  return (
    <span class="ss-quiet ss-eff-controls">
      {" · "}
      <span title={ABOUT}>control: mean of {n} matched</span>
      {control.briefs.length === n
        ? control.briefs.map((brief) => <Named key={brief.feature} brief={brief} choose={choose} />)
        : control.controls.map((one) => <span key={one.join()}> #{one.join(" + #")}</span>)}
    </span>
  );
}

function Named({ brief, choose }: { brief: FeatureBrief; choose: (feature: number) => void }) {
  return (
    <button
      type="button"
      class="ss-eff-named"
      title={`Open feature ${brief.feature} ${callName(brief)}`}
      onClick={() => choose(brief.feature)}
    >
      #{brief.feature}
    </button>
  );
}
