import { duration, number } from "../../data/format.js";
import { directionOf } from "../../data/script.js";
import type { Steering } from "../../protocol/generated.js";
import type { Ended, Plan, Text } from "./state.js";

interface Props {
  texts: readonly Text[];
  plan: Plan;
  /** It was asked for with other settings than those now set. */
  isOld: boolean;
  isRunning: boolean;
}

/** The written texts side by side, the unsteered first; each is tinted from where it differs from that. */
export function Texts({ texts, plan, isOld, isRunning }: Props) {
  return (
    <div class={isOld ? "ss-steer-texts ss-steer-before" : "ss-steer-texts"} data-n={texts.length}>
      {texts.map((text, i) => (
        <Column key={i} text={text} isPlain={i === 0} isChat={plan.isChat} isRunning={isRunning} />
      ))}
    </div>
  );
}

interface ColumnProps {
  text: Text;
  isPlain: boolean;
  isChat: boolean;
  isRunning: boolean;
}

const ENDS: Record<Ended, readonly [string, string]> = {
  "": ["", ""],
  end: ["ended", "The model ended its text."],
  length: ["cut", "It has as many tokens as were asked for."],
  broken: ["broken", "The model's output is no longer a number: the strength is too large."],
  stopped: ["stopped", "It was stopped."],
};

function Column({ text, isPlain, isChat, isRunning }: ColumnProps) {
  const { name, text: whole, n_same, ended, n_tokens } = text;
  const [shown, title] = ENDS[ended];
  const same = isPlain ? whole : whole.slice(0, n_same);
  const other = isPlain ? "" : whole.slice(n_same);
  return (
    <section class="ss-steer-text" aria-label={`Text ${name}`} data-condition={name}>
      <h3>
        <span class="ss-steer-name">{name}</span>
        <Figures text={text} isPlain={isPlain} />
      </h3>
      <p class="ss-steer-body" dir={directionOf([whole])}>
        {!isChat && (
          <span class="ss-quiet" aria-hidden="true">
            …
          </span>
        )}
        {same}
        {other && (
          <mark class="ss-steer-other">
            <span class="ss-unseen"> from here on another text: </span>
            {other}
          </mark>
        )}
        {!ended && isRunning && <span class="ss-steer-caret" aria-hidden="true" />}
        {ended === "broken" && <span class="ss-steer-broken"> {title}</span>}
      </p>
      <p class="ss-quiet ss-steer-foot">
        {n_tokens > 0 && `${n_tokens} tokens`}
        {shown && (
          <span title={title}>
            {n_tokens > 0 && " · "}
            {shown}
          </span>
        )}
        {!isPlain && ended && ended !== "broken" && other === "" && n_tokens > 0 && " · the same text"}
      </p>
    </section>
  );
}

function Figures({ text, isPlain }: { text: Text; isPlain: boolean }) {
  const { logprob, kl } = text;
  if (logprob === null) return null;
  return (
    <span class="ss-quiet ss-steer-figures">
      <span title="How likely the text is to the unsteered model: mean log-probability of its tokens, exact.">
        {number(logprob)} nats a token
      </span>
      {!isPlain && kl !== null && (
        <span title="How far steering moves the model: mean KL from unsteered to steered on this text, at temperature 1, exact.">
          {"\u00a0"}· KL {number(kl)}
        </span>
      )}
    </span>
  );
}

/** How a run goes, for the line where the stop button is. */
export function paceText(last: Steering | undefined): string {
  if (!last) return "";
  const { stage, done, total, rate, seconds_left } = last;
  if (stage === "waiting") return "Waiting for the model: it is in use.";
  if (stage === "contrast") return `Prompt ${done + 1} of ${total}`;
  if (stage === "reading") return `Reading ${total} tokens`;
  if (stage === "measuring") return `Measuring ${total} texts`;
  const fast = rate > 0 ? ` · ${number(rate)} tokens/s` : "";
  const left = seconds_left !== null && done < total ? ` · ${duration(seconds_left)} left` : "";
  return `${done} of ${total} tokens${fast}${left}`;
}
