import type { ComponentChildren } from "preact";
import { count } from "../../data/format.js";
import type { Comparison, Pair, ScopeInfo } from "../../protocol/generated.js";
import { Badge } from "./Badge.js";
import { LETTERS, type Role } from "./roles.js";

interface Props {
  comparison: Comparison;
  info: ScopeInfo;
  isNarrow: boolean;
  /** Show where one fires and the other does so, or does not; none where nothing can be asked. */
  show: ((one: number, other: number, role: Role) => void) | undefined;
}

interface Measure {
  title: string;
  tip: string;
  of: (pair: Pair) => ComponentChildren;
}

/** How alike each two of the features are; a number of tokens opens their text. */
export function Pairs({ comparison, info, isNarrow, show }: Props) {
  const { pairs } = comparison;
  const numbers = comparison.features.map((f) => f.brief.feature);
  if (pairs.length === 0) return null;
  const measures = measuresOf(comparison, show);
  const name = ({ feature, other }: Pair) => (
    <>
      <Badge place={numbers.indexOf(feature)} /> <Badge place={numbers.indexOf(other)} />
    </>
  );
  const key = ({ feature, other }: Pair) => `${feature}-${other}`;
  return (
    <div class="ss-pairs" tabIndex={0} role="region" aria-label="How alike they are">
      <table>
        <thead>
          <tr>
            <th scope="col">pair</th>
            {isNarrow
              ? pairs.map((pair) => (
                  <th key={key(pair)} scope="col">
                    {name(pair)}
                  </th>
                ))
              : measures.map(({ title, tip }) => (
                  <th key={title} scope="col" title={tip}>
                    {title}
                  </th>
                ))}
          </tr>
        </thead>
        <tbody>
          {isNarrow
            ? measures.map(({ title, tip, of }) => (
                <tr key={title}>
                  <th scope="row" title={tip}>
                    {title}
                  </th>
                  {pairs.map((pair) => (
                    <td key={key(pair)}>{of(pair)}</td>
                  ))}
                </tr>
              ))
            : pairs.map((pair) => (
                <tr key={key(pair)} data-pair={key(pair)}>
                  <th scope="row">{name(pair)}</th>
                  {measures.map(({ title, of }) => (
                    <td key={title}>{of(pair)}</td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
      {!info.has_postings && (
        <p class="ss-quiet">
          What fires together is not known: the index was made without postings. Build it with them.
        </p>
      )}
    </div>
  );
}

function measuresOf({ features }: Comparison, show: Props["show"]): Measure[] {
  const placeOf = (feature: number) => features.findIndex((f) => f.brief.feature === feature);
  const n_fires = (feature: number) => features[placeOf(feature)]?.page.n_fires ?? 0;
  const letter = (feature: number) => LETTERS[placeOf(feature)] ?? "";
  const alone = (n_both: number | null, share: number | null, one: number, other: number) => (
    <Tokens
      n={n_both === null ? null : n_fires(one) - n_both}
      share={share === null ? null : 1 - share}
      told={`Tokens on which ${letter(one)} fires and ${letter(other)} does not`}
      open={show && (() => show(one, other, "silent"))}
    />
  );
  return [
    {
      title: "decoder cosine",
      tip: "Cosine of the angle between the decoder rows.",
      of: (pair) => figure(pair.decoder),
    },
    {
      title: "encoder cosine",
      tip: "Cosine of the angle between the encoder columns.",
      of: (pair) => figure(pair.encoder),
    },
    {
      title: "Jaccard",
      tip: "Tokens on which both fire, of those on which either does.",
      of: (pair) => figure(pair.jaccard),
    },
    {
      title: "correlation",
      tip: "Pearson's, of the activations over all tokens that count.",
      of: (pair) => figure(pair.correlation),
    },
    {
      title: "both fire",
      tip: "Tokens on which both fire.",
      of: ({ feature, other, n_both }) => (
        <Tokens
          n={n_both}
          share={null}
          told={`Tokens on which ${letter(feature)} and ${letter(other)} fire`}
          open={show && (() => show(feature, other, "fires"))}
        />
      ),
    },
    {
      title: "first alone",
      tip: "Tokens on which the first fires and the second does not, and their share of its firings.",
      of: ({ feature, other, n_both, share }) => alone(n_both, share, feature, other),
    },
    {
      title: "second alone",
      tip: "Tokens on which the second fires and the first does not, and their share of its firings.",
      of: ({ feature, other, n_both, share_of_other }) => alone(n_both, share_of_other, other, feature),
    },
  ];
}

interface TokensProps {
  n: number | null;
  share: number | null;
  told: string;
  open: (() => void) | undefined;
}

function Tokens({ n, share, told, open }: TokensProps) {
  if (n === null) return <>–</>;
  const part = share !== null && n > 0 ? ` ${Math.round(share * 100)}\u2009%` : "";
  const text = (
    <>
      {count(n)}
      {part && <span class="ss-quiet">{part}</span>}
    </>
  );
  if (!open || n === 0) return <span title={told}>{text}</span>;
  return (
    <button type="button" class="ss-link" title={`${told}: show them`} onClick={open}>
      {text}
    </button>
  );
}

function figure(value: number | null): string {
  return value === null ? "–" : value.toFixed(3).replace("-", "−");
}
