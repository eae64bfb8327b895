import { EffectBar } from "../effects/EffectBar.js";
import { change, visible } from "../effects/signed.js";
import { useSlow } from "../shell/hooks.js";
import { Failure } from "../shell/Notice.js";
import type { RowsProps } from "./Rows.js";
import { useHead } from "./useCircuit.js";

/** Sources below this share of the largest are told together. */
const LEAST = 0.005;

interface Props extends RowsProps {
  layer: number;
  head: number;
}

/** One head unfolded: the tokens it moves this from, and by its weights those that it copies or raises. */
export function HeadDetails({ client, info, wanted, pos, side, unit, layer, head }: Props) {
  const { shown, error, retry, isWaiting } = useHead(client, info, wanted, pos, { side, layer, head });
  const isSlow = useSlow(isWaiting);
  if (error) return <Failure error={error} retry={retry} />;
  if (!shown) return isSlow ? <p class="ss-circuit-note">Reading the head.</p> : null;
  const { sources: every, n_sources: nSources, rest: others, tokens } = shown;
  const top = Math.max(1e-12, ...every.map(({ score }) => Math.abs(score)));
  const sources = every.filter(({ score }) => Math.abs(score) >= LEAST * top);
  const rest =
    others + every.reduce((sum, { score }) => sum + (Math.abs(score) < LEAST * top ? score : 0), 0);
  const up = tokens.filter(({ score }) => score > 0);
  const down = tokens.filter(({ score }) => score < 0);
  const words = (found: typeof tokens) =>
    found.map(({ text, score }, i) => (
      <span key={i} class="ss-circuit-word" title={change(score)}>
        {visible(text ?? "")}
      </span>
    ));
  const isUp = side === "upstream";
  return (
    <div class="ss-circuit-details">
      {sources.length > 0 && (
        <ul aria-label="Source tokens">
          {sources.map((source) => (
            <li key={source.pos} class="ss-circuit-token" title={`position ${source.pos}`}>
              <bdi>{visible(source.text)}</bdi>
              <EffectBar value={source.score} top={top} unit={unit} isBare />
              <span class="ss-circuit-value">{change(source.score)}</span>
            </li>
          ))}
          {nSources > sources.length && (
            <li class="ss-circuit-token ss-quiet">
              <span>{nSources - sources.length} more</span>
              <span />
              <span class="ss-circuit-value">{change(rest)}</span>
            </li>
          )}
        </ul>
      )}
      <p title={isUp ? COPIES : RAISES}>
        <span class="ss-quiet">
          {isUp ? "by weights, copies from" : "by weights, raises when it reads it"}
        </span>{" "}
        {words(up)}
      </p>
      <p>
        <span class="ss-quiet">{isUp ? "and suppresses on" : "and lowers"}</span> {words(down)}
      </p>
    </div>
  );
}

const COPIES =
  "What the feature gains when this head attends to the token alone and nothing but its embedding stands there: an estimate.";
const RAISES =
  "The head's output through the unembedding when it attends to this feature alone (logit lens): an estimate.";
