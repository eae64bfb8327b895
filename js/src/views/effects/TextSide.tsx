import type { RefObject } from "preact";
import { useMemo } from "preact/hooks";
import { number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { EffectControl, ScopeInfo } from "../../protocol/generated.js";
import { TextBox } from "../tryit/TextBox.js";
import type { GivenText } from "./aim.js";
import { controlAt, type EffectData } from "./effectData.js";
import { SignedText, type SignedToken } from "./SignedText.js";
import { change, visible } from "./signed.js";
import type { EffectsState } from "./state.js";
import { TargetPicker } from "./TargetPicker.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  box: RefObject<HTMLTextAreaElement | null>;
  typed: string;
  type: (text: string) => void;
  /** The text that is looked at. */
  text: GivenText | undefined;
  feature: number | undefined;
  state: EffectsState;
  update: (part: Partial<EffectsState>) => void;
  nPassages: number;
  effect: EffectData | undefined;
  control: EffectControl | undefined;
  /** The position that is looked at. */
  look: number | undefined;
  isOld: boolean;
  isOneToken: boolean;
  isExample: boolean;
  isReadOnly: boolean;
}

/** The text: typed, or one of the feature's examples; each token shaded by what the change does to it. */
export function TextSide(props: Props) {
  const { client, info, box, typed, type, text, feature, state, update, nPassages, effect } = props;
  const { isOld, isReadOnly, isExample } = props;
  return (
    <section class="ss-eff-left" aria-label="Text">
      {!isReadOnly && <TextBox box={box} text={typed} change={type} placeholder="Type or paste text (e)" />}
      {nPassages > 0 && !isReadOnly && (
        <div class="ss-eff-own" role="group" aria-label={`Examples of feature ${feature}`}>
          <span class="ss-quiet">or an example of #{feature}:</span>
          {Array.from({ length: nPassages }, (_, i) => (
            <button
              key={i}
              type="button"
              class="ss-eff-chip"
              aria-label={`Example ${i + 1}`}
              aria-pressed={isExample && state.example === i}
              onClick={() => update({ source: "example", example: i })}
            >
              {i + 1}
            </button>
          ))}
        </div>
      )}
      {effect && <Shaded {...props} effect={effect} />}
      {text && effect && (
        <div class="ss-eff-under">
          {!isReadOnly && (
            <TargetPicker
              client={client}
              info={info}
              text={text}
              aim={state.aim}
              change={(aim) => update({ aim, look: null })}
              expected={state.aim.target ? undefined : effect.data.likeliest.text}
            />
          )}
          <div class="ss-pick ss-eff-shade" role="group" aria-label="Shade by">
            {(["logprob", "kl"] as const).map((shade) => (
              <button
                key={shade}
                type="button"
                aria-pressed={state.shade === shade}
                title={
                  shade === "kl"
                    ? "How far the model's next-token probabilities moved, in nats."
                    : "The change of each token's own log-probability, in nats."
                }
                onClick={() => update({ shade })}
              >
                {shade === "kl" ? "KL" : "Δ log p"}
              </button>
            ))}
          </div>
        </div>
      )}
      {!effect && isOld && <p class="ss-quiet ss-eff-pad">Running the model.</p>}
    </section>
  );
}

function Shaded({ effect, control, state, update, look, isOld, isOneToken }: Props & { effect: EffectData }) {
  const { shade } = state;
  const tokens = useMemo(() => tokensOf(effect, control, shade), [effect, control, shade]);
  const pick = (i: number | undefined) => {
    if (i === undefined) return update(isOneToken ? { pos: null } : { look: null });
    if (isOneToken && i < effect.nTokens) return update({ pos: i, look: null });
    if (i > 0) update({ look: i - 1 });
  };
  const only = isOneToken ? effect.data.at[0] : undefined;
  const chosen = only ?? (look === undefined ? undefined : look + 1);
  return (
    <SignedText
      tokens={tokens}
      quantity={shade === "kl" ? "KL" : "Δ log p"}
      unit="nats"
      label={
        isOneToken ? "The text, to choose where the change is made" : "The text, to choose what is looked at"
      }
      chosen={chosen}
      choose={pick}
      isOld={isOld}
    />
  );
}

/** The text's tokens, each with what the change does to the model's expectation of it, and the one after the text. */
function tokensOf(
  effect: EffectData,
  control: EffectControl | undefined,
  shade: "logprob" | "kl",
): SignedToken[] {
  const { data } = effect;
  const marked = new Set(data.at);
  const next = effect.target(effect.last)?.text ?? "";
  return [...data.texts, next].map((text, i) => {
    const pos = i - 1;
    const isGhost = i === data.texts.length;
    const beside = pos < data.start ? undefined : controlAt(control, pos);
    const activation = data.activations[i] ?? 0;
    const logprobs = effect.logprobs(pos);
    const lines: [string, string][] = [];
    if (logprobs) lines.push(["log p", `${number(logprobs[0])} → ${number(logprobs[1])}`]);
    if (pos >= 0)
      lines.push(
        shade === "kl"
          ? ["Δ log p", `${change(effect.delta(pos))} nats`]
          : ["KL", `${number(effect.kl(pos))} nats`],
      );
    if (beside)
      lines.push(["control", shade === "kl" ? `KL ${number(beside.kl)}` : `Δ ${change(beside.delta)}`]);
    if (activation) lines.push(["activation", number(activation)]);
    if (marked.has(i)) lines.push(["changed", "here"]);
    if (isGhost) lines.push(["after the text", "not in it"]);
    return {
      text: isGhost ? ` ▸${visible(text).trimStart() || "␣"}` : text,
      value: pos < 0 ? null : shade === "kl" ? effect.kl(pos) : effect.delta(pos),
      lines,
      isMarked: marked.has(i),
      isQuiet: isGhost || data.counted[i] === false,
    };
  });
}
