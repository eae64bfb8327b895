import { count, number } from "../../data/format.js";
import type { Comparison, ScopeInfo } from "../../protocol/generated.js";
import { useSlow } from "../shell/hooks.js";
import { Failure, Notice, Skeleton, Stale } from "../shell/Notice.js";
import type { Answered } from "../shell/useAnswer.js";
import { Badge } from "./Badge.js";
import { MarkedText } from "./MarkedText.js";
import { type CompareState, type Contrasted, LETTERS, type Role, roleOf } from "./roles.js";
import type { ContrastShown } from "./useCompare.js";

const ROLES: Record<Role, string> = { silent: "does not fire", fires: "fires too", either: "may do either" };
const WITHIN = [0, 1, 3, 8];
const CONTEXTS = [5, 16, 0];

interface Props {
  comparison: Comparison;
  info: ScopeInfo;
  asked: Contrasted;
  answer: Answered<ContrastShown>;
  state: CompareState;
  update: (part: Partial<CompareState>) => void;
  isReadOnly: boolean;
}

/** Text on which one of the features fires and others do not, or do too. */
export function ContrastSection(props: Props) {
  const { comparison, info, asked, answer, isReadOnly } = props;
  const { shown, error, staleError, isWaiting, retry } = answer;
  const isSlow = useSlow(isWaiting);
  const isOther = shown !== undefined && JSON.stringify(shown.asked) !== JSON.stringify(asked);
  return (
    <section class="ss-contrast" aria-label="Where they differ">
      {!isReadOnly && <Chooser {...props} />}
      {!info.has_postings && !info.has_model ? (
        <Notice title="Where one fires and another does not is not known.">
          <p>
            The index was made without postings, and no model is loaded. Load it beside the index, or build
            the index with postings.
          </p>
        </Notice>
      ) : asked.without.length + asked.also.length === 0 ? (
        <p class="ss-quiet ss-contrast-note">Say what another feature does there.</p>
      ) : error ? (
        <Failure error={error} retry={retry} />
      ) : !shown || (isSlow && isOther) ? (
        isSlow && <Skeleton lines={6} />
      ) : (
        <>
          {staleError && <Stale error={staleError} retry={retry} />}
          <p class="ss-contrast-note" role="status">
            {told(shown, comparison, info)}
          </p>
          <ContrastExamples shown={shown} comparison={comparison} />
        </>
      )}
    </section>
  );
}

function Chooser({ comparison, asked, state, update }: Props) {
  const numbers = comparison.features.map((f) => f.brief.feature);
  const setRole = (feature: number, role: string) =>
    update({ roles: { ...state.roles, [String(feature)]: role as Role } });
  return (
    <div class="ss-contrast-bar">
      <label>
        Where{" "}
        <select
          value={String(asked.feature)}
          onChange={(e) => update({ one: Number(e.currentTarget.value) })}
        >
          {numbers.map((f, i) => (
            <option key={f} value={String(f)}>
              {LETTERS[i]} #{f}
            </option>
          ))}
        </select>{" "}
        fires,
      </label>
      {numbers.map(
        (f, i) =>
          f !== asked.feature && (
            <label key={f}>
              <Badge place={i} />{" "}
              <select
                aria-label={`What ${LETTERS[i]}, feature ${f}, does there`}
                data-role-of={f}
                value={roleOf(state, f)}
                onChange={(e) => setRole(f, e.currentTarget.value)}
              >
                {Object.entries(ROLES).map(([role, name]) => (
                  <option key={role} value={role}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          ),
      )}
      <select
        aria-label="How near"
        value={String(state.within)}
        onChange={(e) => update({ within: Number(e.currentTarget.value) })}
      >
        {WITHIN.map((n) => (
          <option key={n} value={String(n)}>
            {n === 0 ? "on the same token" : `within ${n} ${n === 1 ? "token" : "tokens"} of it`}
          </option>
        ))}
      </select>
      <div class="ss-pick" role="group" aria-label="Tokens of context on each side">
        <span class="ss-label">context</span>
        {CONTEXTS.map((n) => (
          <button
            key={n}
            type="button"
            aria-pressed={n === state.context}
            onClick={() => update({ context: n })}
          >
            {n === 0 ? "full" : n}
          </button>
        ))}
      </div>
    </div>
  );
}

function told({ asked, examples, end }: ContrastShown, comparison: Comparison, info: ScopeInfo): string {
  const letter = LETTERS[comparison.features.findIndex((f) => f.brief.feature === asked.feature)] ?? "";
  if (!end) return examples.length > 0 ? `${examples.length} so far …` : "";
  const { n_examples, n_match, n_fires } = end;
  if (!info.has_postings) {
    const part = `So it is on ${n_match} of ${letter}'s ${n_fires} stored examples`;
    return `${part}: the index has no postings, and the model read these again.`;
  }
  if (n_match === 0)
    return n_fires === 0 ? `${letter} never fired.` : `None of ${letter}'s ${count(n_fires)} firings is so.`;
  const all = `${count(n_match)} of ${letter}'s ${count(n_fires)} firings`;
  return n_examples < n_match ? `${all}; the strongest of each context, alike ones once.` : `${all}.`;
}

function ContrastExamples({ shown, comparison }: { shown: ContrastShown; comparison: Comparison }) {
  const { asked, examples } = shown;
  const numbers = comparison.features.map((f) => f.brief.feature);
  const others = [...asked.without, ...asked.also];
  const page = comparison.features[numbers.indexOf(asked.feature)]?.page;
  if (!page) return null;
  return (
    <ol class="ss-contrast-list">
      {examples.map(({ example, others: lines }) => (
        <li key={`${example.doc}-${example.start}-${example.rank}`} data-example>
          <span class="ss-activation" title={example.source || `document ${example.doc}`}>
            {number(example.activation)}
            {example.n_same > 0 && (
              <span class="ss-same" title={`${count(example.n_same)} more end in the same eight tokens.`}>
                ×{count(example.n_same + 1)}
              </span>
            )}
          </span>
          <MarkedText
            example={example}
            place={numbers.indexOf(asked.feature)}
            feature={asked.feature}
            max={page.max}
            marks={lines.map((activations, i) => {
              const feature = others[i] ?? 0;
              return { feature, place: numbers.indexOf(feature), activations };
            })}
          />
        </li>
      ))}
    </ol>
  );
}
