import { useEffect, useRef } from "preact/hooks";
import { number } from "../../data/format.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { CircuitText } from "../../protocol/generated.js";
import { SignedText } from "../effects/SignedText.js";
import { visible } from "../effects/signed.js";
import { TargetPicker } from "../effects/TargetPicker.js";
import { FeatureName } from "../shell/FeatureName.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure } from "../shell/Notice.js";
import { useSize } from "../shell/useSize.js";
import { NeedsModel, Starters } from "../tryit/Empty.js";
import { TextBox } from "../tryit/TextBox.js";
import { useText } from "../tryit/useTried.js";
import { Side } from "./Side.js";
import { told } from "./told.js";
import { type By, type CircuitState, type Known, useCircuit, type Wanted } from "./useCircuit.js";

const BESIDE_PX = 620;
const TITLES: Record<By, string> = { text: "on this text", weights: "by weights" };

/** What writes to the feature, the feature on a text, and what reads it. */
function CircuitView(props: ViewProps<CircuitState>) {
  const { client, info, shared, feature, choose, state, update, isReadOnly } = props;
  const { text, change } = useText(props);
  const box = useRef<HTMLTextAreaElement>(null);
  const root = useRef<HTMLElement>(null);
  const isBeside = useSize(root, { width: 900, height: 500 }).width >= BESIDE_PX;
  const isOn = info.has_model || isReadOnly;
  const by: By = text === "" ? "weights" : state.by;
  const wanted = isOn && feature !== undefined ? wantedOf(state, feature, text, by) : undefined;
  const answer = useCircuit(client, info, wanted);
  const isSlow = useSlow(answer.isWaiting);
  const set = (next: By) => {
    update({ by: next });
    if (next === "text" && text === "") box.current?.focus();
  };
  useKeys({ r: ["the circuit's text", () => box.current?.focus()] });
  useEffect(() => {
    if (feature === undefined && !shared.stepper) shared.open(0);
  }, [feature]);
  if (!isOn) return <NeedsModel />;
  const { shown, error, retry } = answer;
  const isOther = shown !== undefined && JSON.stringify(shown.wanted) !== JSON.stringify(wanted);
  const isOld = isSlow && isOther;
  const pick = (pos: number | undefined) =>
    feature !== undefined &&
    update({ at: pos === undefined ? undefined : { feature, text, pos } } as Partial<CircuitState>);
  const chooseIn = (scope: string, other: number) =>
    void client.request("scope.select", { scope, feature: other }).catch(() => {});
  const sideOf = (name: "upstream" | "downstream") => shown?.sides.find((side) => side.side === name);
  const sides = shown && { client, info, text: shown.text, wanted: shown.wanted, isSlow, isOld, chooseIn };
  return (
    <section
      ref={root}
      class={isBeside ? "ss-circuit ss-circuit-beside" : "ss-circuit"}
      aria-label="Circuit"
      aria-busy={answer.isWaiting}
    >
      {sides && !error ? (
        <Side {...sides} name="upstream" side={sideOf("upstream")} />
      ) : (
        <Vacant isSlow={isSlow} />
      )}
      <section class="ss-circuit-middle" aria-label="The feature">
        <div class="ss-circuit-bar" role="group" aria-label="How it is told">
          {!isReadOnly &&
            (["text", "weights"] as const).map((name) => (
              <button key={name} type="button" aria-pressed={by === name} onClick={() => set(name)}>
                {TITLES[name]}
              </button>
            ))}
          {by === "text" && !isReadOnly && (
            <TargetPicker
              client={client}
              info={info}
              text={{ text }}
              aim={state.aim}
              change={(aim) => update({ aim })}
              expected={expectedOf(shown)}
            />
          )}
        </div>
        {!isReadOnly && <TextBox box={box} text={text} change={change} />}
        {error && <Failure error={error} retry={retry} />}
        {shown && !error && <Middle known={shown} choose={choose} pick={pick} isOld={isOld} />}
        {isSlow && answer.isWaiting && <Waiting known={shown} isOther={isOther} />}
        {text === "" && !isReadOnly && (
          <Starters client={client} info={info} feature={feature} take={change} />
        )}
      </section>
      {sides && !error ? (
        <Side {...sides} name="downstream" side={sideOf("downstream")} />
      ) : (
        <Vacant isSlow={isSlow} />
      )}
    </section>
  );
}

function Vacant({ isSlow }: { isSlow: boolean }) {
  return <div class="ss-circuit-side">{isSlow && <div class="ss-skeleton" aria-hidden="true" />}</div>;
}

function wantedOf(state: CircuitState, feature: number, text: string, by: By): Wanted {
  const isOnText = by === "text";
  const { at, aim } = state;
  const pos = at && at.feature === feature && at.text === text ? at.pos : undefined;
  return {
    feature,
    by,
    text: isOnText ? text : "",
    pos: isOnText ? pos : undefined,
    aim: isOnText ? aim : {},
    upstream: state.upstream ?? undefined,
    downstream: state.downstream ?? undefined,
  };
}

function expectedOf(known: Known | undefined): string | undefined {
  const text = known?.text;
  return text && text.at !== null && text.target ? visible(text.target) : undefined;
}

interface MiddleProps {
  known: Known;
  choose: (feature: number) => void;
  pick: (pos: number | undefined) => void;
  isOld: boolean;
}

/** The feature by name, its activation at the chosen token, and the text with what each token gives it. */
function Middle({ known, choose, pick, isOld }: MiddleProps) {
  const { brief, text, sides, wanted } = known;
  const shading = sides.find(({ side }) => side === "upstream")?.shading ?? undefined;
  return (
    <>
      <div class="ss-circuit-feature-name">
        {brief ? <FeatureName brief={brief} choose={choose} isOpen /> : <span>{wanted.feature}</span>}
        {text && <span class="ss-circuit-here">{here(text)}</span>}
      </div>
      {text && (
        <>
          <SignedText
            tokens={text.texts.map((piece, pos) => ({
              text: piece,
              value: shading?.[pos] ?? null,
              isMarked: (text.activations[pos] ?? 0) !== 0,
              isQuiet: !text.is_counted[pos] && !shading?.[pos],
              lines: [["activation", number(text.activations[pos] ?? 0)]],
            }))}
            quantity="gives through heads"
            unit="activation"
            label="The text"
            chosen={text.pos ?? undefined}
            choose={pick}
            isOld={isOld}
          />
          <p class="ss-circuit-note">
            {shading
              ? "Shaded by what all heads move from each token to the outlined one. Dashed: the feature fires. Click a token to look there."
              : "Dashed: the feature fires. Click a token to look there."}
          </p>
        </>
      )}
    </>
  );
}

function here({ texts, activations, pos, preactivation }: CircuitText): string {
  if (pos === null)
    return "does not fire on this text: choose a token to see what makes up its pre-activation.";
  const activation = activations[pos] ?? 0;
  const at = `at “${visible(texts[pos] ?? "")}”`;
  if (activation !== 0) return `${number(activation)} ${at}`;
  return `does not fire ${at} (pre-activation ${number(preactivation ?? Number.NaN)})`;
}

function Waiting({ known, isOther }: { known: Known | undefined; isOther: boolean }) {
  const stage = known && !isOther ? known.stage : "";
  const said =
    stage === "waiting"
      ? "Waiting for the model: it is in use."
      : stage === "upstream"
        ? "Taking the feature out."
        : "Reading the text.";
  return (
    <p class="ss-circuit-note" role="status">
      {known?.wanted.by === "weights" ? "Reading the weights." : said}
    </p>
  );
}

export const circuit: PanelView<CircuitState> = { ...told, View: CircuitView };
