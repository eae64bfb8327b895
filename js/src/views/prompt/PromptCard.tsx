import type { ComponentChildren, RefObject } from "preact";
import { useMemo } from "preact/hooks";
import { count, number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import type { Aim } from "../effects/aim.js";
import { SignedText, type SignedToken } from "../effects/SignedText.js";
import { change, probability, visible } from "../effects/signed.js";
import { TargetPicker } from "../effects/TargetPicker.js";
import { useSlow } from "../shell/hooks.js";
import { Failure } from "../shell/Notice.js";
import { TextBox } from "../tryit/TextBox.js";
import type { PromptData, Wanted } from "./data.js";
import type { PromptReader } from "./reader.js";
import { estimateOf } from "./rows.js";

const N_LEADING = 3;

interface Props {
  client: Client;
  info: ScopeInfo;
  box: RefObject<HTMLTextAreaElement | null>;
  wanted: Wanted;
  reader: PromptReader | undefined;
  by: string;
  at: number | undefined;
  setText: (text: string) => void;
  setAim: (aim: Aim) => void;
  choose: (at: number | undefined) => void;
  isReadOnly: boolean;
  /** Of several texts: its letter, and what takes it away. */
  letter?: string | undefined;
  remove?: (() => void) | undefined;
  /** What stands here while there is no text. */
  children?: ComponentChildren;
}

/** One text, the token after it that is asked about, and how much each of its tokens does for that. */
export function PromptCard(props: Props) {
  const { client, info, box, wanted, reader, by, at, letter, remove, isReadOnly } = props;
  const prompt = reader?.prompt;
  const isOld = useSlow(reader?.isWaiting ?? false) || reader?.error !== undefined;
  const isEmpty = wanted.text === "";
  return (
    <section class="ss-prompt-card" aria-label={letter ? `Text ${letter}` : "Text"}>
      <div class="ss-prompt-type">
        {letter && <b class="ss-prompt-letter">{letter}</b>}
        {!isReadOnly && <TextBox box={box} text={wanted.text} change={props.setText} />}
        {remove && !isReadOnly && (
          <button
            type="button"
            class="ss-prompt-remove"
            aria-label={`Take text ${letter} away`}
            onClick={remove}
          >
            ×
          </button>
        )}
      </div>
      {isEmpty ? (
        props.children
      ) : (
        <>
          <div class="ss-prompt-aim">
            {!isReadOnly && (
              <TargetPicker
                client={client}
                info={info}
                text={wanted}
                aim={wanted.aim}
                change={props.setAim}
                expected={prompt && !wanted.aim.target ? prompt.data.target.text : undefined}
              />
            )}
            <Said prompt={prompt} reader={reader} />
          </div>
          {reader?.error && <Failure error={reader.error} retry={() => reader.retry()} />}
          {prompt && (
            <Shaded
              prompt={prompt}
              by={by}
              at={at}
              choose={props.choose}
              isOld={isOld}
              version={reader.version}
            />
          )}
        </>
      )}
    </section>
  );
}

/** What is attributed, as a formula. */
export function metricName({ data }: PromptData): string {
  const target = `“${visible(data.target.text)}”`;
  if (!data.contrast) return `log p(${target})`;
  return `logit(${target}) − logit(“${visible(data.contrast.text)}”)`;
}

export function metricUnit({ data }: PromptData): string {
  return data.contrast ? "logits" : "nats";
}

function Said({ prompt, reader }: { prompt: PromptData | undefined; reader: PromptReader | undefined }) {
  const isSlow = useSlow(reader?.isWaiting ?? false);
  const { stage } = reader ?? {};
  if (isSlow && stage) {
    const wait =
      stage.stage === "waiting"
        ? "Waiting for the model: it is in use."
        : `Running ${count(stage.n_tokens)} tokens.`;
    return (
      <span class="ss-prompt-said ss-quiet" role="status">
        {wait}
      </span>
    );
  }
  if (!prompt) return null;
  const { data } = prompt;
  return (
    <span class="ss-prompt-said" role="status">
      <span class="ss-prompt-metric">{metricName(prompt)}</span> {number(data.metric)} {metricUnit(prompt)}
      {!data.contrast && <span class="ss-quiet"> (p {probability(data.target.probability)})</span>}
    </span>
  );
}

interface ShadedProps {
  prompt: PromptData;
  by: string;
  at: number | undefined;
  choose: (at: number | undefined) => void;
  isOld: boolean;
  version: number;
}

function Shaded({ prompt, by, at, choose, isOld, version }: ShadedProps) {
  const method = estimateOf(by);
  const tokens = useMemo((): SignedToken[] => {
    const sums = prompt.perToken(method);
    const byPos = sums.map((_, pos) => prompt.leading(pos, method, N_LEADING));
    return prompt.data.texts.map((text, pos) => {
      const counts = prompt.data.counted[pos] === true;
      const lead = byPos[pos] ?? [];
      const lines: [string, string][] = counts
        ? [["most", lead.map(([feature, x]) => `#${feature} ${change(x)}`).join(", ") || "no feature fires"]]
        : [["counted", "no: its features are left alone"]];
      return { text, value: sums[pos] ?? null, lines, isQuiet: !counts };
    });
  }, [prompt, method, version]);
  return (
    <div class="ss-prompt-text">
      <SignedText
        tokens={tokens}
        quantity={`sum, ${method}`}
        unit={metricUnit(prompt)}
        label="What each token's features do"
        chosen={at}
        choose={choose}
        isOld={isOld}
      />
    </div>
  );
}
