import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import type { CountRule, ScopeInfo } from "../../protocol/generated.js";
import { INITIAL, isChanged, isSameRule, type PageState } from "./query.js";
import type { Units } from "./units.js";
import { useLeaving } from "./useLeaving.js";

const HOW_MANY = [20, 50, 100, 200];
const INTERVALS = [3, 5, 10];
const SKIPPED = [0, 1, 2, 4, 8];
const NORMS = [null, 3, 10, 30];

interface Props {
  info: ScopeInfo;
  /** What the index counts, or what is asked for now. */
  own: CountRule;
  state: PageState;
  update: (part: Partial<PageState>) => void;
  close: () => void;
}

/** What is asked of the store: how many examples, and what counts. A change asks again and rebuilds nothing. */
export function Options({ info, own, state, update, close }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const began = useRef<CountRule | undefined>(state.rule ? undefined : own);
  const rule = state.rule ?? own;
  const { has_postings, is_complete } = info;
  const why = has_postings
    ? ""
    : "The index was made without postings: what is stored is 20 top examples, 10 random and 5 from each fifth, by the index's own rule. Build it with postings to ask for more.";
  useLeaving(box, close, "parent");
  const setRule = (part: Partial<CountRule>) => {
    const next = { ...rule, ...part };
    update({ rule: began.current && isSameRule(next, began.current) ? null : next });
  };
  const choice = <T extends number | string | null>(
    values: readonly T[],
    now: T,
    set: (value: T) => void,
    name: (value: T) => string,
    isOff: (value: T) => boolean = () => !has_postings,
  ) => (
    <span class="ss-choice">
      {values.map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === now}
          disabled={isOff(value) && value !== now}
          onClick={() => set(value)}
        >
          {name(value)}
        </button>
      ))}
    </span>
  );
  return (
    <div class="ss-popover ss-options" role="dialog" aria-label="Options" tabIndex={-1} ref={box}>
      {why && <p class="ss-quiet">{why}</p>}
      <Option name="examples" tells="How many to show.">
        {choice(
          HOW_MANY,
          state.k,
          (k) => update({ k }),
          String,
          (k) => !has_postings && k > INITIAL.k,
        )}
      </Option>
      <Option name="intervals" tells="Into how many equal parts the range up to the maximum is cut.">
        {choice(
          INTERVALS,
          state.n_intervals,
          (n_intervals) =>
            update({ n_intervals, ...(state.group.startsWith("interval") && { group: "top" }) }),
          String,
        )}
      </Option>
      <Check
        name="fold alike examples"
        tells="Examples that end in the same eight tokens are shown once, with their number."
        isOn={state.folds}
        isOff={!has_postings}
        set={(folds) => update({ folds })}
      />
      <Option
        name="skip first"
        tells="So many tokens at the head of each context do not count: the first is an attention sink whatever it is."
      >
        {choice(SKIPPED, rule.n_skipped, (n_skipped) => setRule({ n_skipped }), String)}
      </Option>
      <Check
        name="count special tokens"
        tells="Whether the beginning and end of a text and the tokenizer's other special tokens count."
        isOn={!rule.skips_special}
        isOff={!has_postings}
        set={(counts) => setRule({ skips_special: !counts })}
      />
      <Option
        name="norm at most"
        tells={`Tokens whose activation is longer than so many times the median do not count; 10 finds attention sinks.${has_postings && !is_complete ? " Known when the index is finished." : ""}`}
      >
        {choice(
          NORMS,
          rule.max_norm_ratio,
          (max_norm_ratio) => setRule({ max_norm_ratio }),
          (ratio) => (ratio === null ? "any" : `${ratio}×`),
          (ratio) => !has_postings || (!is_complete && ratio !== null),
        )}
      </Option>
      <Option
        name="activations"
        tells={
          info.why_not_folded ||
          "As the SAE gives them; or times the length of the decoder row, which is the length of what the feature writes, on the model's own scale: so features can be compared."
        }
      >
        {choice<Units>(
          ["sae", "folded"],
          state.units,
          (units) => update({ units }),
          (units) => (units === "sae" ? "SAE's" : "model's"),
          (units) => units === "folded" && Boolean(info.why_not_folded),
        )}
      </Option>
      <div class="ss-options-end">
        <button
          type="button"
          class="ss-button"
          disabled={!isChanged(state)}
          onClick={() => {
            const { k, n_intervals, folds, units, rule: none } = INITIAL;
            update({
              k,
              n_intervals,
              folds,
              units,
              rule: none,
              ...(state.group.startsWith("interval") && { group: "top" }),
            });
          }}
        >
          Reset
        </button>
      </div>
    </div>
  );
}

function Option({ name, tells, children }: { name: string; tells: string; children: ComponentChildren }) {
  return (
    <fieldset class="ss-option">
      <legend>{name}</legend>
      {children}
      <small>{tells}</small>
    </fieldset>
  );
}

interface CheckProps {
  name: string;
  tells: string;
  isOn: boolean;
  isOff: boolean;
  set: (isOn: boolean) => void;
}

function Check({ name, tells, isOn, isOff, set }: CheckProps) {
  const id = useId();
  return (
    <div class="ss-option">
      <label for={id}>{name}</label>
      <span class="ss-choice">
        <input
          id={id}
          type="checkbox"
          checked={isOn}
          disabled={isOff}
          onChange={(e) => set(e.currentTarget.checked)}
        />
      </span>
      <small>{tells}</small>
    </div>
  );
}
