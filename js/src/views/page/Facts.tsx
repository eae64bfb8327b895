import { count, density, number, signed, tokens } from "../../data/format.js";
import type { FeaturePage } from "../../protocol/generated.js";

interface Props {
  page: FeaturePage;
  /** Counted by another rule than the index's. */
  isOtherRule: boolean;
  isShort: boolean;
  /** Activations are times the length of the decoder row. */
  isFolded: boolean;
}

/** How often and how strongly the feature fires, and what its weights say. */
export function Facts({ page, isOtherRule, isShort, isFolded }: Props) {
  const { n_fires, n_counted, weights, not_counted } = page;
  const share = density(page.density ?? Number.NaN);
  const fires =
    n_fires === 0 ? "no token" : n_counted > 0 ? `${share} of ${tokens(n_counted)} tokens` : share;
  const counted =
    not_counted && not_counted !== "nothing" ? ` Not counted: ${not_counted}.` : " Every token counts.";
  return (
    <dl class="ss-facts">
      <Fact
        name="fires on"
        title={
          n_counted > 0
            ? `${count(n_fires)} of ${count(n_counted)} tokens.${counted}`
            : "Of how many tokens is not known."
        }
        text={fires}
      />
      <Fact name="max" title="The largest activation." text={number(page.max)} />
      <Fact name="mean" title="The mean over the tokens on which it fires." text={known(page.mean)} />
      <Fact name="median" title="The median over the tokens on which it fires." text={known(page.median)} />
      {isFolded && (
        <Fact
          name="in"
          title="Activations times the length of the decoder row: how long what the feature writes is, on the model's own scale."
          text="the model's units"
        />
      )}
      {isOtherRule && (
        <Fact
          name="by"
          title={`The figures and the examples are by the options.${counted}`}
          text="your rule"
        />
      )}
      {!isShort && (
        <>
          <Fact
            name="cos"
            title="Cosine of encoder and decoder direction: near 1, the feature is read where it is written."
            text={weights.cosine === null ? undefined : number(weights.cosine)}
          />
          <Fact
            name="bias"
            title="The encoder's bias: what is added before the activation function; below 0, the direction must be strong to fire."
            text={weights.encoder_bias === null ? undefined : signed(weights.encoder_bias)}
          />
          <Fact
            name="threshold"
            title="What the pre-activation must exceed for the feature to fire (JumpReLU)."
            text={weights.threshold === null ? undefined : number(weights.threshold)}
          />
          <Fact
            name="relative norm"
            title="How the decoder's length is spread over the crosscoder's places: of two places the second's share, 0 to 1; near 0 or 1 the feature is one place's own, near 0.5 it is shared. Of more places the largest share."
            text={weights.relative_norm == null ? undefined : number(weights.relative_norm)}
          />
          <Fact
            name="cos of places"
            title="Cosine between the first and the last place's decoder rows: near 1, the feature writes the same in both."
            text={weights.place_cosine == null ? undefined : number(weights.place_cosine)}
          />
          <Fact
            name="norm"
            title="Length of the decoder row: how far one unit of activation moves the model's own activation."
            text={weights.decoder_norm === null ? undefined : number(weights.decoder_norm)}
          />
        </>
      )}
    </dl>
  );
}

/** A figure, or nothing where the source of an imported index does not hold it. */
function known(value: number | null): string | undefined {
  return value === null ? undefined : number(value);
}

function Fact({ name, title, text }: { name: string; title: string; text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
