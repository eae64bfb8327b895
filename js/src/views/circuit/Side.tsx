import { number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { CircuitSide, CircuitText, ScopeInfo } from "../../protocol/generated.js";
import { MethodTag } from "../effects/EffectBar.js";
import { change, visible } from "../effects/signed.js";
import { Skeleton } from "../shell/Notice.js";
import { FeatureRows, Rows, TokenRows } from "./Rows.js";
import type { SideName, Wanted } from "./useCircuit.js";

interface Props {
  client: Client;
  info: ScopeInfo;
  name: SideName;
  side: CircuitSide | undefined;
  text: CircuitText | undefined;
  wanted: Wanted;
  isSlow: boolean;
  isOld: boolean;
  chooseIn: (scope: string, feature: number) => void;
}

const TITLES: Record<SideName, string> = { upstream: "Writes to it", downstream: "Reads it" };

/** What writes to the feature, or what reads it: the sum first, then its parts. */
export function Side(props: Props) {
  const { name, side, isSlow, isOld } = props;
  return (
    <section
      class={isOld ? "ss-circuit-side ss-old" : "ss-circuit-side"}
      aria-label={TITLES[name]}
      data-side={name}
    >
      <h3>{TITLES[name]}</h3>
      {side ? <Found {...props} side={side} /> : isSlow && <Skeleton lines={6} />}
    </section>
  );
}

function Found({ client, info, name, side, text, wanted, chooseIn }: Props & { side: CircuitSide }) {
  const isOnText = wanted.by === "text";
  const { rows, features, tokens, problem, hint } = side;
  const at = text?.pos ?? undefined;
  const common = { client, info, side: name, unit: isOnText ? side.unit : "", wanted, pos: at };
  const parts = rows.length > 0 && (
    <>
      <h4>
        {isOnText && name === "downstream" ? "Last steps of the effect" : "Heads and MLPs"}
        <MethodTag method={isOnText && name === "upstream" ? "exact" : "estimate"} />
      </h4>
      {!isOnText && <p class="ss-circuit-note">{AGAINST[name](Math.min(N_OTHERS, info.n_features - 1))}</p>}
      <Rows {...common} rows={rows} nMore={side.n_more} more={side.more} />
    </>
  );
  const words = tokens.length > 0 && (
    <>
      <h4>
        {wordsTitle(name, isOnText, text)}
        <MethodTag method={isOnText ? "exact" : "estimate"} />
      </h4>
      <TokenRows rows={tokens} n={6} isOnText={isOnText} />
    </>
  );
  return (
    <>
      {isOnText && <Sum side={side} text={text} />}
      {problem && (
        <p class="ss-circuit-note" role="status">
          {problem} {hint}
        </p>
      )}
      {name === "downstream" && words}
      {parts}
      {features.length > 0 && (
        <>
          <h4>Features of the {name === "upstream" ? "earlier" : "later"} SAE</h4>
          <FeatureRows
            rows={features}
            briefs={side.briefs ?? []}
            wanted={wanted}
            unit="activation"
            choose={(feature) => side.scope && chooseIn(side.scope, feature)}
          />
        </>
      )}
      {name === "upstream" && words}
      {side.notes.map((note) => (
        <p key={note} class="ss-circuit-note">
          {note}
        </p>
      ))}
    </>
  );
}

/** As `effects/circuit/weights.py` draws them. */
const N_OTHERS = 128;

const AGAINST: Record<SideName, (n: number) => string> = {
  upstream: (n) =>
    `The most each can add, as a multiple of the mean over ${n} other features. The tick is 1×.`,
  downstream: (n) =>
    `How much of its query, key, output (value) or gate each makes of it, as a multiple of the mean over ${n} others.`,
};

function wordsTitle(name: SideName, isOnText: boolean, text: CircuitText | undefined): string {
  if (name === "upstream") return "Tokens, by their embedding";
  if (!isOnText) return "Tokens, by the logit lens";
  const at = text?.at ?? undefined;
  return at === undefined ? "Tokens" : `Probability of what follows ${place(text, at)}`;
}

function place(text: CircuitText | undefined, pos: number): string {
  return `“${visible(text?.texts[pos] ?? "")}”`;
}

/** What the parts sum to, of what. */
function Sum({ side, text }: { side: CircuitSide; text: CircuitText | undefined }) {
  const { total, whole, unit } = side;
  if (whole === null) return null;
  if (side.side === "upstream") {
    const fires = (text?.activations[text.pos ?? -1] ?? 0) !== 0;
    return (
      <p class="ss-circuit-sum">
        The parts sum to <b>{number(total ?? Number.NaN)}</b> of <b>{number(whole)}</b>,{" "}
        {fires ? "its activation here." : "its pre-activation here: it does not fire."}
      </p>
    );
  }
  const target = text ? `“${visible(text.target)}”` : "the target";
  const against = text?.contrast ? ` against “${visible(text.contrast)}”` : "";
  return (
    <p class="ss-circuit-sum" title="Two runs of the model: with the feature, less without it. Exact.">
      It moves {text?.contrast ? "the logit of" : "log p of"} {target}
      {against} by <b>{change(whole)}</b> {unit}
      {total !== null && (
        <>
          ; the last steps sum to <b>{change(total)}</b>
        </>
      )}
      .
    </p>
  );
}
