import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { called } from "../../data/call.js";
import { plain } from "../../data/script.js";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import type { EffectParams, Passage } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { useKeys } from "../shell/keys.js";
import { Failure, Notice } from "../shell/Notice.js";
import { NeedsModel, Starters } from "../tryit/Empty.js";
import { useText } from "../tryit/useTried.js";
import type { GivenText } from "./aim.js";
import { ChangeForm } from "./ChangeForm.js";
import { Result } from "./Result.js";
import { SeriesView } from "./Series.js";
import { SweepView } from "./Sweep.js";
import { callOf, type EffectsState, INITIAL, type Mode, paramsOf, whereOf } from "./state.js";
import { TextSide } from "./TextSide.js";
import { type Effect, useControlOf, useEffectOf, useKinds, usePassages } from "./useEffects.js";

const ASK_AFTER_MS = 70;
const LONG_MS = 1000;
const MODES: readonly [Mode, string, string][] = [
  ["text", "This text", "What the change does on one text."],
  ["examples", "Over examples", "What it does in many texts on which the feature fires, with intervals."],
  ["sweep", "Sweep", "The effect against strength, from suppression to amplification."],
];

/** What a feature does: changed on a text, over its examples, and by strength. */
function EffectsView(props: ViewProps<EffectsState>) {
  const { client, info, shared, feature, choose, state, update, isReadOnly, openTab } = props;
  const typing = useText(props);
  const typed = useSettled(typing.text, ASK_AFTER_MS);
  const box = useRef<HTMLTextAreaElement>(null);
  const isOn = info.has_model || isReadOnly;
  const kinds = useKinds(client, info);
  const kind = kinds.find(({ name }) => name === state.kind);
  const own = usePassages(client, info, isOn ? feature : undefined);
  const passages = own.shown && own.shown.feature === feature ? own.shown.passages : [];
  const isExample = state.source === "example" || typing.text === "";
  const passage = isExample ? passages[Math.min(state.example, passages.length - 1)] : undefined;
  const text = useMemo(() => textOf(passage, isExample, typed), [passage, isExample, typed]);
  const marked = shared.picked.filter((f) => f !== feature);
  const features =
    feature === undefined ? [] : state.withMarked && state.mode === "text" ? [feature, ...marked] : [feature];
  const id = JSON.stringify([text, feature]);
  const [peak, setPeak] = useState<{ id: string; pos: number | undefined }>();
  const strongest = passage?.peak ?? (peak?.id === id ? peak.pos : undefined);
  const params =
    isOn && text && features.length > 0 && kinds.length > 0
      ? paramsOf(info.id, features, text, state, kind, strongest)
      : undefined;
  const effect = useEffectOf(client, params);
  const control = useControlOf(client, params, effect);
  const isCurrent = effect.shown !== undefined && effect.key === (params && JSON.stringify(params));
  useEffect(() => {
    if (isCurrent) setPeak({ id, pos: effect.shown?.strongest });
  }, [effect.shown, isCurrent, id]);
  const subject = isExample ? `${feature}/${state.example}` : typing.text;
  const single = whereOf(state, kind) === "one" && state.pos === null ? strongest : undefined;
  useFollowing({ subject, typed: typing.text, isExample, passage, single }, state, update);
  useEffect(() => {
    const first = own.shown?.feature;
    if (feature === undefined && first !== undefined) shared.open(first);
  }, [feature]);
  useKeys({ e: ["type a text", () => box.current?.focus()] });
  const isSlow = useSlow(effect.isWaiting);
  if (!isOn) return <NeedsModel />;
  if (feature === undefined) return <Notice title="Choose a feature: what it does is shown here." />;
  const type = (next: string) => {
    typing.change(next);
    if (state.source !== "text") update({ source: "text" });
  };
  const isOld = isSlow || effect.error !== undefined || (effect.isStopped && !isCurrent);
  const look = lookOf(effect, state);
  const showAll = () => {
    if (passage) shared.setText(plain(passage.texts));
    openTab?.("prompt");
  };
  return (
    <div class="ss-effects" data-mode={state.mode}>
      <div class="ss-eff-bar">
        <Modes mode={state.mode} set={(mode) => update({ mode })} isReadOnly={isReadOnly} />
        {!isReadOnly && <ChangeForm kinds={kinds} state={state} update={update} nMarked={marked.length} />}
        {openTab && (
          <button
            type="button"
            class="ss-quiet-button ss-eff-all"
            title="All features that fire on this text, ranked by what they do."
            onClick={showAll}
          >
            all features here
          </button>
        )}
      </div>
      {state.mode === "examples" ? (
        <SeriesView
          {...props}
          feature={feature}
          kind={kind}
          open={(rank) => update({ mode: "text", source: "example", example: rank })}
        />
      ) : (
        <div class="ss-eff-body">
          <TextSide
            client={client}
            info={info}
            box={box}
            typed={typing.text}
            type={type}
            text={text}
            feature={feature}
            state={state}
            update={update}
            nPassages={passages.length}
            effect={effect.shown}
            control={control.shown}
            look={look}
            isOld={isOld}
            isOneToken={whereOf(state, kind) === "one"}
            isExample={isExample}
            isReadOnly={isReadOnly}
          />
          <section class="ss-eff-right" aria-label="Effect">
            {!text && !typing.text && !own.isWaiting && <NoText {...props} feature={feature} take={type} />}
            {own.error && !text && <Failure error={own.error} retry={own.retry} />}
            <Waiting effect={effect} />
            {effect.error && <Failure error={effect.error} retry={effect.retry} />}
            {effect.shown && look !== undefined && text && (
              <Outcome
                {...props}
                feature={feature}
                params={params}
                effect={effect}
                control={control}
                look={look}
                isOld={isOld}
                choose={choose}
              />
            )}
          </section>
        </div>
      )}
    </div>
  );
}

export const effects: PanelView<EffectsState> = {
  title: "Effects",
  about: "Change a feature on a text and see what the model says otherwise.",
  View: EffectsView,
  initial: INITIAL,
  height_px: 480,
  hasFeature: true,
  worksWithoutIndex: true,
  ...called((state: EffectsState, feature, shared) => [callOf(state, feature, shared.text)]),
};

function Modes({ mode, set, isReadOnly }: { mode: Mode; set: (mode: Mode) => void; isReadOnly: boolean }) {
  if (isReadOnly) return null;
  return (
    <div class="ss-pick" role="group" aria-label="Effect">
      {MODES.map(([name, title, about]) => (
        <button
          key={name}
          type="button"
          aria-pressed={mode === name}
          title={about}
          data-first-focus={mode === name || undefined}
          onClick={() => set(name)}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

interface OutcomeProps extends ViewProps<EffectsState> {
  feature: number;
  params: EffectParams | undefined;
  effect: Effect;
  control: ReturnType<typeof useControlOf>;
  look: number;
  isOld: boolean;
}

/** The figures at the position that is looked at, or the sweep; or why there is nothing to see. */
function Outcome(props: OutcomeProps) {
  const { client, state, update, feature, params, effect, control, look, isOld, choose } = props;
  const data = effect.shown;
  if (!data) return null;
  if (state.mode === "sweep" && params)
    return (
      <SweepView
        client={client}
        info={props.info}
        params={params}
        effect={data}
        isReady={effect.key === JSON.stringify(params)}
        look={look}
        state={state}
        update={update}
      />
    );
  if (!data.isChanged)
    return <Unchanged feature={feature} fires={data.strongest !== undefined} isOld={isOld} />;
  const isLast = look === data.last;
  return (
    <Result
      effect={data}
      control={control.shown}
      isControlComing={control.isWaiting}
      controlProblem={control.error?.message ?? ""}
      look={look}
      contrastText={isLast && state.aim.target ? state.aim.contrast?.text : undefined}
      choose={choose}
      isOld={isOld}
    />
  );
}

function Unchanged({ feature, fires, isOld }: { feature: number; fires: boolean; isOld: boolean }) {
  return (
    <div class={isOld ? "ss-old" : undefined}>
      <Notice title={fires ? "The change leaves it as it is." : `#${feature} does not fire on this text.`}>
        <p>
          {fires
            ? "The new activation is the present one: nothing is measured."
            : "There is nothing to take away. Take one of its examples, or set it to a value with clamp."}
        </p>
      </Notice>
    </div>
  );
}

function NoText(props: ViewProps<EffectsState> & { take: (text: string) => void }) {
  const { client, info, feature, take, isReadOnly } = props;
  if (isReadOnly) return null;
  return (
    <>
      <Notice
        title={info.has_index ? `#${feature} has no examples: type a text.` : "Type a text, or try one:"}
      />
      <Starters client={client} info={info} feature={undefined} take={take} />
    </>
  );
}

/** After a second: what is waited for, and a stop. */
function Waiting({ effect }: { effect: Effect }) {
  const [isLong, setLong] = useState(false);
  const { isWaiting, isStopped, stage } = effect;
  useEffect(() => {
    if (!isWaiting) return setLong(false);
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  if (isStopped)
    return (
      <p class="ss-eff-wait" role="status">
        Stopped.{" "}
        <button type="button" class="ss-button" onClick={effect.retry}>
          Run
        </button>
      </p>
    );
  if (!isLong) return null;
  const said =
    stage?.stage === "reading"
      ? `Running the model on ${stage.n_tokens} tokens.`
      : "Waiting for the model: it is in use.";
  return (
    <p class="ss-eff-wait" role="status">
      {said}{" "}
      <button type="button" class="ss-button" onClick={effect.stop}>
        Stop
      </button>
    </p>
  );
}

function textOf(passage: Passage | undefined, isExample: boolean, typed: string): GivenText | undefined {
  if (passage) return { text: "", tokens: passage.tokens };
  return isExample || typed === "" ? undefined : { text: typed };
}

/** The position that is looked at: the one chosen, the last where a token is asked for, or where most changes. */
function lookOf({ shown }: Effect, { look, aim }: EffectsState): number | undefined {
  if (!shown) return undefined;
  if (look !== null && look < shown.nTokens) return look;
  return aim.target ? shown.last : shown.busiest;
}

/** A value once it has stayed the same for a moment; the first one at once. */
function useSettled(value: string, after_ms: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    if (value === settled) return;
    const timer = setTimeout(() => setSettled(value), after_ms);
    return () => clearTimeout(timer);
  }, [value, settled]);
  return settled;
}

interface Following {
  subject: string;
  typed: string;
  isExample: boolean;
  passage: Passage | undefined;
  /** The one position to change, where none was chosen yet. */
  single: number | undefined;
}

/**
 * On another text, positions that were chosen mean nothing; on another example, the next token neither. A text that is
 * typed, here or elsewhere, takes the place of an example.
 */
function useFollowing(
  { subject, typed, isExample, passage, single }: Following,
  state: EffectsState,
  update: (part: Partial<EffectsState>) => void,
): void {
  const before = useRef({ subject, typed });
  useEffect(() => {
    const was = before.current;
    before.current = { subject, typed };
    const part: Partial<EffectsState> = {};
    if (single !== undefined) part.pos = single;
    if (was.subject !== subject) Object.assign(part, { pos: null, look: null }, isExample ? { aim: {} } : {});
    if (was.typed !== typed && typed !== "") Object.assign(part, { source: "text", pos: null, look: null });
    if (passage && state.tokens.join() !== passage.tokens.join()) part.tokens = passage.tokens;
    if (Object.keys(part).length > 0) update(part);
  }, [subject, typed, passage, single]);
}
