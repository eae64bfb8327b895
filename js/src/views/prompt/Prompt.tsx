import { useEffect, useMemo, useRef } from "preact/hooks";
import type { PanelView, ViewProps } from "../../panels/panel.js";
import { useKeys } from "../shell/keys.js";
import { NeedsModel, Starters } from "../tryit/Empty.js";
import { useBriefs, useText } from "../tryit/useTried.js";
import { ComparedList } from "./ComparedList.js";
import type { PromptData, Wanted } from "./data.js";
import { Features } from "./Features.js";
import { PromptCard } from "./PromptCard.js";
import { completeness, RankChoice, WorkBar } from "./RankBar.js";
import type { PromptReader } from "./reader.js";
import { compared, type Row, ranked, rowsOf } from "./rows.js";
import { LETTERS, MOST_TEXTS, type PromptState } from "./state.js";
import { told } from "./told.js";
import { usePrompts } from "./usePrompts.js";

const N_EXACT = 30;
const N_EXACT_LONG = 10;
const LONG = 200;
const SENTENCES = [
  "The Golden Gate Bridge is in the city of San",
  "The capital of France is",
  "When Mary and John went to the store, John gave a drink to",
];

/** A text and a token after it: the features that fire, by what they do for it; several texts side by side. */
function PromptView(props: ViewProps<PromptState>) {
  const { client, info, feature, choose, state, update, isReadOnly, openTab } = props;
  const { text, change } = useText(props);
  const isOn = info.has_model || isReadOnly;
  const wanted: Wanted[] = [{ text, aim: state.aim }, ...state.others];
  const { readers, remove } = usePrompts(client, info, wanted, isOn);
  const box = useRef<HTMLTextAreaElement>(null);
  useKeys({ p: ["a prompt's features", () => box.current?.focus()] });
  const { briefs, ask } = useBriefs(client, info, undefined);
  const prompts = readers.flatMap(({ prompt }) => prompt ?? []);
  const { by } = state;
  const at = wanted.map((_, i) => position(readers[i]?.prompt, state.at[i]));
  const versions = readers.map(({ version }) => version).join();
  const rows = useMemo(
    () => readers.map(({ prompt }, i) => (prompt ? rowsOf(prompt, at[i]) : [])),
    [versions, at.join()],
  );
  const isSettled = !readers.some(({ work }) => work.has("exact"));
  const isSeveral = wanted.length > 1;
  const single = useMemo(() => ranked(rows[0] ?? [], by, isSettled), [rows, by, isSettled]);
  const several = useMemo(
    () => (isSeveral ? compared(rows, by, state.sort, isSettled) : []),
    [rows, by, state.sort, isSettled, isSeveral],
  );
  const order = isSeveral ? several.map((row) => row.feature) : single.map((row) => row.feature);
  useWork(readers, rows, by, order, at, isReadOnly);
  const first = order[0];
  useEffect(() => {
    if (feature === undefined && first !== undefined) props.shared.open(first);
  }, [feature, first]);
  if (!isOn) return <NeedsModel />;
  const set = (i: number, part: Partial<Wanted>) => {
    const isText = part.text !== undefined;
    const places = isText && state.at[i] != null ? { at: state.at.map((p, j) => (j === i ? null : p)) } : {};
    if (i > 0)
      update({ others: state.others.map((o, j) => (j === i - 1 ? { ...o, ...part } : o)), ...places });
    else {
      if (part.text !== undefined) change(part.text);
      update({ ...(part.aim ? { aim: part.aim } : {}), ...places });
    }
  };
  const choosePlace = (i: number, place: number | undefined) =>
    update({ at: wanted.map((_, j) => (j === i ? (place ?? null) : (at[j] ?? null))) });
  const drop = (i: number) => {
    remove(i);
    update({ others: state.others.filter((_, j) => j !== i - 1), at: state.at.filter((_, j) => j !== i) });
  };
  const add = () => {
    const { text: begun, aim } = wanted.at(-1) ?? { text, aim: {} };
    update({ others: [...state.others, { text: begun, aim }], at: [] });
  };
  const ablate = openTab
    ? (one: number) => {
        choose(one);
        openTab("effects");
      }
    : undefined;
  const list = { by, feature, choose, ablate, briefs, onRows: ask };
  const [prompt] = prompts;
  const isEmpty = text === "" && !isSeveral;
  const isReady = prompt !== undefined && (!isSeveral || prompts.length === wanted.length);
  return (
    <div class="ss-prompt" data-has-text={!isEmpty || undefined}>
      <div class="ss-prompt-cards">
        {wanted.map((one, i) => (
          <PromptCard
            key={i}
            client={client}
            info={info}
            box={i === 0 ? box : { current: null }}
            wanted={one}
            reader={readers[i]}
            by={by}
            at={at[i]}
            setText={(next) => set(i, { text: next })}
            setAim={(aim) => set(i, { aim })}
            choose={(place) => choosePlace(i, place)}
            isReadOnly={isReadOnly}
            letter={isSeveral ? LETTERS[i] : undefined}
            remove={i > 0 ? () => drop(i) : undefined}
          >
            {i === 0 && !isReadOnly && (
              <Starters client={client} info={info} feature={feature} take={change} sentences={SENTENCES} />
            )}
          </PromptCard>
        ))}
        {!isReadOnly && !isEmpty && wanted.length < MOST_TEXTS && (
          <button type="button" class="ss-button ss-prompt-add" onClick={add}>
            Compare with another text
          </button>
        )}
      </div>
      {isReady && !isEmpty && (
        <section class="ss-prompt-features" aria-label="Features that fire">
          <div class="ss-try-bar">
            <RankChoice methods={prompt.data.methods} by={by} setBy={(next) => update({ by: next })} />
            <Scope prompt={prompt} at={at} letters={isSeveral} whole={() => update({ at: [] })} />
            {isSeveral && <SortChoice sort={state.sort} set={(sort) => update({ sort })} />}
          </div>
          <WorkBar readers={readers} />
          {by === "integrated" && !isSeveral && prompt.facts.has("integrated") && (
            <p class="ss-prompt-fact ss-quiet">{completeness(prompt)}</p>
          )}
          {isSeveral ? (
            <ComparedList {...list} prompts={prompts} rows={several} />
          ) : (
            <Features {...list} prompt={prompt} rows={single} at={at[0]} />
          )}
        </section>
      )}
    </div>
  );
}

/** Have the figures that are shown: of the chosen method, then the exact ones of the first rows. */
function useWork(
  readers: readonly PromptReader[],
  rows: readonly (readonly Row[])[],
  by: string,
  order: readonly number[],
  at: readonly (number | undefined)[],
  isReadOnly: boolean,
): void {
  const isLong = readers.some(({ prompt }) => (prompt?.nTokens ?? 0) > LONG);
  const first = order.slice(0, isLong ? N_EXACT_LONG : N_EXACT);
  const known = readers.map(({ prompt, isHalted, problem }) => ({
    prompt,
    figures: new Set(prompt?.figures.keys()),
    told: `${prompt?.key}${[...(prompt?.figures.keys() ?? [])]}${isHalted}${problem === undefined}`,
  }));
  const own = rows.map((some) => {
    const features = new Set(some.map((row) => row.feature));
    return first.filter((feature) => features.has(feature));
  });
  useEffect(() => {
    for (const [i, reader] of readers.entries()) {
      const { prompt, figures = new Set() } = known[i] ?? {};
      reader.estimate("gradient");
      if (by !== "activation") reader.estimate(by);
      const isRanked = by === "exact" || by === "activation" || figures.has(by);
      if (isReadOnly || prompt !== reader.prompt || !figures.has("gradient") || !isRanked) continue;
      reader.verify(own[i] ?? [], at[i]);
    }
  }, [known.map(({ told }) => told).join(), by, JSON.stringify(own), at.join(), isReadOnly]);
}

function position(prompt: PromptData | undefined, at: number | null | undefined): number | undefined {
  return at != null && prompt && at < prompt.nTokens ? at : undefined;
}

interface ScopeProps {
  prompt: PromptData;
  at: readonly (number | undefined)[];
  letters: boolean;
  whole: () => void;
}

/** Whether the whole text is looked at, or one token of it. */
function Scope({ prompt, at, letters, whole }: ScopeProps) {
  const chosen = at.flatMap((pos, i) => (pos === undefined ? [] : [[i, pos] as const]));
  if (chosen.length === 0) return null;
  const said = chosen
    .map(([i, pos]) =>
      letters ? `${LETTERS[i]} at ${pos}` : `at “${prompt.data.texts[pos] ?? ""}” (${pos})`,
    )
    .join(", ");
  return (
    <span class="ss-try-chip" role="status">
      {said}
      <button type="button" aria-label="The whole text" title="Back to the whole text" onClick={whole}>
        ×
      </button>
    </span>
  );
}

function SortChoice({ sort, set }: { sort: PromptState["sort"]; set: (sort: PromptState["sort"]) => void }) {
  return (
    <label class="ss-prompt-sort">
      <input
        type="checkbox"
        checked={sort === "difference"}
        onChange={(e) => set(e.currentTarget.checked ? "difference" : "rank")}
      />
      largest difference first
    </label>
  );
}

export const prompt: PanelView<PromptState> = { ...told, View: PromptView };
