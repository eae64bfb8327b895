import { count, density, number, signed, tokens } from "../../data/format.js";
import type { Compared, Histogram } from "../../protocol/generated.js";
import { FeatureName, readable } from "../shell/FeatureName.js";
import { Badge } from "./Badge.js";
import { MarkedText } from "./MarkedText.js";
import { LETTERS } from "./roles.js";

interface Props {
  compared: Compared;
  place: number;
  /** Which of the others promote a token too, by letter. */
  alsoPromoted: (token: number) => string[];
  selected: number | undefined;
  choose: (feature: number) => void;
  /** Takes the feature out; none where that cannot be. */
  remove: (() => void) | undefined;
}

/** One feature among others; its parts stand in line with theirs. */
export function Column({ compared, place, alsoPromoted, selected, choose, remove }: Props) {
  const { brief, page, examples } = compared;
  const letter = LETTERS[place] ?? "";
  return (
    <article class="ss-col" aria-label={`${letter}: feature ${brief.feature}`} data-compared={brief.feature}>
      <header>
        <Badge place={place} />
        <FeatureName brief={brief} choose={choose} isOpen={brief.feature === selected} />
        {remove && (
          <button
            type="button"
            class="ss-quiet-button ss-remove"
            aria-label={`Take feature ${brief.feature} out`}
            title="Take it out of the comparison"
            onClick={remove}
          >
            ×
          </button>
        )}
      </header>
      <dl class="ss-col-facts">
        <div title={`${count(page.n_fires)} of ${count(page.n_counted)} tokens.`}>
          <dt>fires on</dt>
          <dd>
            {page.n_fires > 0
              ? `${density(page.density ?? Number.NaN)} of ${tokens(page.n_counted)}`
              : "no token"}
          </dd>
        </div>
        <div title="The largest activation.">
          <dt>max</dt>
          <dd>{number(page.max)}</dd>
        </div>
        <div title="The mean over the tokens on which it fires.">
          <dt>mean</dt>
          <dd>{number(page.mean ?? Number.NaN)}</dd>
        </div>
      </dl>
      <Bars bins={page.histogram} />
      <div class="ss-col-promoted">
        {page.promoted.length > 0 && (
          <>
            <span class="ss-label" title="The tokens it promotes: straight through the unembedding.">
              promotes
            </span>
            <ul>
              {page.promoted.map((weight) => {
                const also = alsoPromoted(weight.token);
                const told = `${signed(weight.weight)} logits per unit`;
                return (
                  <li
                    key={weight.token}
                    class={also.length > 0 ? "ss-common" : undefined}
                    title={also.length > 0 ? `${told}; ${also.join(" and ")} too` : told}
                  >
                    {readable(weight.text)}
                    {also.length > 0 && <sup>{also.join("")}</sup>}
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </div>
      <ol class="ss-col-examples">
        {page.n_fires === 0 && (
          <li class="ss-quiet">
            {page.is_known === false
              ? "The source of this index does not hold it."
              : "It never fired on the text of the index."}
          </li>
        )}
        {examples.map((example) => (
          <li key={example.rank} data-example>
            <MarkedText example={example} place={place} feature={brief.feature} max={page.max} marks={[]} />
          </li>
        ))}
      </ol>
    </article>
  );
}

const HIGH = 28;

/** How often each strength occurs, on a log scale, from 0 to the feature's maximum. */
function Bars({ bins: { counts, high } }: { bins: Histogram }) {
  const top = Math.log1p(Math.max(1, ...counts));
  const wide = 100 / Math.max(1, counts.length);
  return (
    <figure class="ss-col-bars">
      <svg
        viewBox={`0 0 100 ${HIGH}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Activations of 0 to ${number(high)} in ${counts.length} bins, log scale`}
      >
        {counts.map((n, i) => {
          const tall = n > 0 ? Math.max(1.5, (Math.log1p(n) / top) * HIGH) : 0;
          return <rect key={i} x={i * wide} y={HIGH - tall} width={wide * 0.85} height={tall} />;
        })}
      </svg>
      <figcaption>
        <span>0</span>
        <span>{number(high)}</span>
      </figcaption>
    </figure>
  );
}
