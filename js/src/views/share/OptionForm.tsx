import { useEffect, useId, useState } from "preact/hooks";
import type { ExportKind, ExportOption } from "../../protocol/generated.js";
import type { Values } from "./state.js";

interface Props {
  kind: ExportKind;
  values: Values;
  set: (name: string, value: unknown) => void;
  showsMore: boolean;
  setShowsMore: (showsMore: boolean) => void;
}

const MOST = 6;

/** What an exporter can be told, drawn from what it says of itself. */
export function OptionForm({ kind, values, set, showsMore, setShowsMore }: Props) {
  const { options, defaults, others } = kind;
  if (options.length + others.length === 0) return null;
  const isAll = options.length <= MOST;
  const isFirst = ({ name, type, is_needed }: ExportOption) =>
    isAll || is_needed || name in values || type === "switch" || type === "choice" || type === "parts";
  const [first, more] = [options.filter(isFirst), options.filter((o) => !isFirst(o))];
  const shown = showsMore ? [...first, ...more] : first;
  const fields = shown.filter(({ type }) => type !== "switch");
  const switches = shown.filter(({ type }) => type === "switch");
  return (
    <>
      {fields.map((option) => (
        <Row
          key={`${kind.kind}/${option.name}`}
          option={option}
          value={option.name in values ? values[option.name] : defaults[option.name]}
          set={(value) => set(option.name, value)}
        />
      ))}
      {switches.length > 0 && (
        <div class="ss-share-row" role="group" aria-label="Options">
          <span class="ss-share-head">with</span>
          <span class="ss-share-choices">
            {switches.map(({ name, meaning }) => (
              <label key={name} title={meaning}>
                <input
                  type="checkbox"
                  checked={Boolean(name in values ? values[name] : defaults[name])}
                  onChange={(e) => set(name, e.currentTarget.checked)}
                />
                {words(name)}
              </label>
            ))}
          </span>
        </div>
      )}
      {(more.length > 0 || others.length > 0) && (
        <p class="ss-share-more">
          {more.length > 0 && (
            <button
              type="button"
              class="ss-quiet-button"
              aria-expanded={showsMore}
              onClick={() => setShowsMore(!showsMore)}
            >
              {showsMore ? "fewer options" : `${more.length} more options`}
            </button>
          )}
          {others.length > 0 && <span class="ss-quiet">In Python also: {others.join(", ")}</span>}
        </p>
      )}
    </>
  );
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}

interface RowProps {
  option: ExportOption;
  value: unknown;
  set: (value: unknown) => void;
}

/** An option with its name before it. */
function Row({ option, value, set }: RowProps) {
  const id = useId();
  const { name, meaning, type, is_needed } = option;
  const label = (
    <>
      {words(name)}
      {is_needed && <span class="ss-share-needed"> needed</span>}
    </>
  );
  if (type === "parts")
    return (
      <div class="ss-share-row" role="group" aria-label={words(name)} title={meaning}>
        <span class="ss-share-head">{label}</span>
        <Parts choices={option.choices} value={value} set={set} />
      </div>
    );
  return (
    <div class="ss-share-row" title={meaning}>
      <label class="ss-share-head" for={id}>
        {label}
      </label>
      <Field id={id} option={option} value={value} set={set} />
    </div>
  );
}

interface FieldProps extends RowProps {
  id: string;
}

function Field({ id, option, value, set }: FieldProps) {
  const { type, choices, meaning, is_needed } = option;
  if (type === "choice")
    return (
      <select id={id} value={String(value)} onChange={(e) => set(e.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  if (type === "whole" || type === "number")
    return <NumberField id={id} option={option} value={value} set={set} />;
  const common = {
    id,
    value: typeof value === "string" ? value : "",
    placeholder: meaning,
    dir: "auto" as const,
    spellcheck: type === "long",
    onInput: (e: { currentTarget: { value: string } }) => set(e.currentTarget.value),
  };
  if (type === "long") return <textarea rows={1} {...common} />;
  return <input type="text" required={is_needed} {...common} />;
}

/** A number is told when it is one; what is typed stays. */
function NumberField({ id, option, value, set }: FieldProps) {
  const read = (typed: string): number | null | undefined => {
    if (typed.trim() === "") return null;
    const n = Number(typed.replace("−", "-"));
    return Number.isFinite(n) && (option.type === "number" || Number.isInteger(n)) ? n : undefined;
  };
  const told = value === null || value === undefined ? "" : String(value);
  const [text, setText] = useState(told);
  useEffect(() => {
    if (read(text) !== (value ?? null)) setText(told);
  }, [told]);
  return (
    <input
      id={id}
      class="ss-share-number"
      inputMode="decimal"
      value={text}
      placeholder="by itself"
      aria-invalid={read(text) === undefined}
      onInput={(e) => {
        setText(e.currentTarget.value);
        const n = read(e.currentTarget.value);
        if (n !== undefined) set(n);
      }}
    />
  );
}

function Parts({
  choices,
  value,
  set,
}: {
  choices: string[];
  value: unknown;
  set: (value: string[]) => void;
}) {
  const chosen = new Set(Array.isArray(value) ? (value as string[]) : []);
  return (
    <span class="ss-share-choices">
      {choices.map((choice) => (
        <label key={choice}>
          <input
            type="checkbox"
            checked={chosen.has(choice)}
            onChange={(e) => {
              if (e.currentTarget.checked) chosen.add(choice);
              else chosen.delete(choice);
              set(choices.filter((c) => chosen.has(c)));
            }}
          />
          {words(choice)}
        </label>
      ))}
    </span>
  );
}
