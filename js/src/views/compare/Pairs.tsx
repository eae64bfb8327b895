import { count } from "../../data/format.js";
import type { Comparison, Pair, ScopeInfo } from "../../protocol/generated.js";
import { Badge } from "./Badge.js";
import { LETTERS, type Role } from "./roles.js";

interface Props {
  comparison: Comparison;
  info: ScopeInfo;
  /** Show where one fires and the other does so, or does not; none where nothing can be asked. */
  show: ((one: number, other: number, role: Role) => void) | undefined;
}

/** How alike each two of the features are; a number of tokens opens their text. */
export function Pairs({ comparison, info, show }: Props) {
  const { features, pairs } = comparison;
  if (pairs.length === 0) return null;
  const numbers = features.map((f) => f.brief.feature);
  const n_fires = (feature: number) => features[numbers.indexOf(feature)]?.page.n_fires ?? 0;
  return (
    <div class="ss-pairs" tabIndex={0} role="region" aria-label="How alike they are">
      <table>
        <thead>
          <tr>
            <th scope="col">pair</th>
            <th scope="col" title="Cosine of the angle between the decoder rows.">
              decoder cosine
            </th>
            <th scope="col" title="Cosine of the angle between the encoder columns.">
              encoder cosine
            </th>
            <th scope="col" title="Tokens on which both fire, of those on which either does.">
              Jaccard
            </th>
            <th scope="col" title="Pearson's, of the activations over all tokens that count.">
              correlation
            </th>
            <th scope="col" title="Tokens on which both fire.">
              both fire
            </th>
            <th scope="col" title="Tokens on which the first fires and the second does not.">
              first alone
            </th>
            <th scope="col" title="Tokens on which the second fires and the first does not.">
              second alone
            </th>
          </tr>
        </thead>
        <tbody>
          {pairs.map((pair) => (
            <Row
              key={`${pair.feature}-${pair.other}`}
              pair={pair}
              places={[numbers.indexOf(pair.feature), numbers.indexOf(pair.other)]}
              n_fires={n_fires}
              show={show}
            />
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

interface RowProps {
  pair: Pair;
  places: [number, number];
  n_fires: (feature: number) => number;
  show: Props["show"];
}

function Row({ pair, places, n_fires, show }: RowProps) {
  const { feature, other, n_both, share, share_of_other } = pair;
  const [a, b] = places.map((place) => LETTERS[place] ?? "");
  return (
    <tr data-pair={`${feature}-${other}`}>
      <th scope="row">
        <Badge place={places[0]} /> <Badge place={places[1]} />
      </th>
      <td>{figure(pair.decoder)}</td>
      <td>{figure(pair.encoder)}</td>
      <td>{figure(pair.jaccard)}</td>
      <td>{figure(pair.correlation)}</td>
      <Tokens
        n={n_both}
        share={null}
        told={`Tokens on which ${a} and ${b} fire`}
        open={show && (() => show(feature, other, "fires"))}
      />
      <Tokens
        n={n_both === null ? null : n_fires(feature) - n_both}
        share={share === null ? null : 1 - share}
        told={`Tokens on which ${a} fires and ${b} does not`}
        open={show && (() => show(feature, other, "silent"))}
      />
      <Tokens
        n={n_both === null ? null : n_fires(other) - n_both}
        share={share_of_other === null ? null : 1 - share_of_other}
        told={`Tokens on which ${b} fires and ${a} does not`}
        open={show && (() => show(other, feature, "silent"))}
      />
    </tr>
  );
}

interface TokensProps {
  n: number | null;
  share: number | null;
  told: string;
  open: (() => void) | undefined;
}

function Tokens({ n, share, told, open }: TokensProps) {
  if (n === null) return <td>–</td>;
  const part = share !== null && n > 0 ? ` ${Math.round(share * 100)}\u2009%` : "";
  const text = (
    <>
      {count(n)}
      {part && <span class="ss-quiet">{part}</span>}
    </>
  );
  if (!open || n === 0) return <td title={told}>{text}</td>;
  return (
    <td>
      <button type="button" class="ss-link" title={`${told}: show them`} onClick={open}>
        {text}
      </button>
    </td>
  );
}

function figure(value: number | null): string {
  return value === null ? "–" : value.toFixed(3).replace("-", "−");
}
