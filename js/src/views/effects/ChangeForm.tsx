import { useEffect, useState } from "preact/hooks";
import type { AblationKind, KindOption } from "../../protocol/generated.js";
import { type EffectsState, optionsOf, type Where, whereOf } from "./state.js";

interface Props {
  kinds: readonly AblationKind[];
  state: EffectsState;
  update: (part: Partial<EffectsState>) => void;
  /** Other features that are marked, to be changed along. */
  nMarked: number;
}

const PLACES: readonly [Where, string, string][] = [
  ["fires", "where it fires", "At every token on which the feature fires."],
  ["one", "one token", "At one token: click it in the text."],
  ["all", "everywhere", "At every token that counts."],
];

/** How the feature is changed, and where: drawn from what the kinds say of themselves. */
export function ChangeForm({ kinds, state, update, nMarked }: Props) {
  const kind = kinds.find(({ name }) => name === state.kind);
  const values = optionsOf(state, kind);
  const set = (name: string, value: number) =>
    update({ options: { ...state.options, [state.kind]: { ...state.options[state.kind], [name]: value } } });
  const isSweep = state.mode === "sweep";
  const isText = state.mode === "text";
  const where = whereOf(state, kind);
  return (
    <div class="ss-eff-change" role="group" aria-label="The change">
      {!isSweep && (
        <label title={kind?.meaning}>
          <span class="ss-quiet">set to</span>
          <select value={state.kind} onChange={(e) => update({ kind: e.currentTarget.value })}>
            {kinds.length === 0 && <option value={state.kind}>{state.kind}</option>}
            {kinds.map(({ name, title, meaning, problem }) => (
              <option key={name} value={name} disabled={problem !== ""} title={problem || meaning}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      {!isSweep &&
        kind?.options.map((option) => (
          <OptionField
            key={`${kind.name}/${option.name}`}
            option={option}
            value={values[option.name] ?? option.default}
            set={(value) => set(option.name, value)}
          />
        ))}
      {isText && kind?.takes_other && <OtherField value={state.other} set={(other) => update({ other })} />}
      <label>
        <span class="ss-quiet">at</span>
        <select
          aria-label="Where"
          title={PLACES.find(([name]) => name === where)?.[2]}
          value={where}
          onChange={(e) => update({ where: e.currentTarget.value as Where, pos: null })}
        >
          {PLACES.map(([name, label, about]) => (
            <option key={name} value={name} title={about}>
              {name === "one" && state.mode === "examples" ? "its peak" : label}
            </option>
          ))}
        </select>
      </label>
      {isText && nMarked > 0 && (
        <label title="Change the marked features together with this one.">
          <input
            type="checkbox"
            checked={state.withMarked}
            onChange={(e) => update({ withMarked: e.currentTarget.checked })}
          />
          and the {nMarked} marked
        </label>
      )}
    </div>
  );
}

interface FieldProps {
  option: KindOption;
  value: number;
  set: (value: number) => void;
}

function OptionField({ option, value, set }: FieldProps) {
  const { name, meaning, low, high, is_switch } = option;
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  if (is_switch)
    return (
      <label title={`${name}: ${meaning}`}>
        <input type="checkbox" checked={value !== 0} onChange={(e) => set(e.currentTarget.checked ? 1 : 0)} />
        {name}
      </label>
    );
  const read = (typed: string) => {
    setText(typed);
    const next = Number(typed.replace("−", "-"));
    const isInside = (low === null || next >= low) && (high === null || next <= high);
    if (typed.trim() !== "" && Number.isFinite(next) && isInside) set(next);
  };
  const isBad = text.trim() === "" || Number(text.replace("−", "-")) !== value;
  return (
    <label title={meaning}>
      <span class="ss-quiet">{name}</span>
      <input
        class="ss-eff-number"
        inputMode="decimal"
        value={text}
        aria-invalid={isBad}
        onInput={(e) => read(e.currentTarget.value)}
        onBlur={() => setText(String(value))}
      />
    </label>
  );
}

/** Another text that activations are taken from; told when it is left, or at Enter. */
function OtherField({ value, set }: { value: string; set: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <input
      class="ss-eff-other"
      aria-label="Text to take activations from"
      placeholder="of a token of the corpus; or a text"
      title="The other text; both are aligned at their ends. Without one, tokens of the corpus are drawn."
      value={text}
      onInput={(e) => setText(e.currentTarget.value)}
      onBlur={() => set(text)}
      onKeyDown={(e) => e.key === "Enter" && set(text)}
    />
  );
}
