import { useContext, useEffect, useState } from "preact/hooks";
import { count, signed } from "../../data/format.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { FeaturePage, LensTokens, ScopeInfo, TokenWeight } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";

const METHOD = {
  norm_gain: "through the unembedding, with the final norm's gain",
  raw: "through the unembedding, without the final norm",
} as const;
const CAUTION = "At a middle layer this is not the feature's effect.";

interface Props {
  client: Client;
  info: ScopeInfo;
  page: FeaturePage;
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
  /** Read now, where the index holds no lens. */
  reads: boolean;
  setReads: () => void;
  isReadOnly: boolean;
}

/** Tokens that the feature's direction raises and lowers, straight through the unembedding. */
export function Promoted({ client, info, page, isOpen, setOpen, reads, setReads, isReadOnly }: Props) {
  const isStored = page.promoted.length + page.suppressed.length > 0;
  const canRead = !isStored && info.has_model && !isReadOnly;
  const { found, error } = useLens(client, info.id, page.feature, canRead && reads);
  if (!isStored && !canRead) return null;
  const lens = isStored ? page : found;
  const convention = isStored ? info.lens : found?.convention;
  const how = convention && convention !== "none" ? METHOD[convention] : "";
  if (!reads && !isStored)
    return (
      <div class="ss-lens">
        <button
          type="button"
          class="ss-quiet-button ss-read-lens"
          title={`Read its direction ${METHOD.norm_gain}, now. ${CAUTION}`}
          onClick={setReads}
        >
          promoted and suppressed tokens: read them from the model
        </button>
      </div>
    );
  if (error) return <p class="ss-lens ss-quiet">{error.message}</p>;
  const title = `${isOpen ? "Show fewer" : "Show all ten"}. Read ${how}. ${CAUTION}`;
  const top = Math.max(
    ...[...(lens?.promoted ?? []), ...(lens?.suppressed ?? [])].map((t) => Math.abs(t.weight)),
    1e-9,
  );
  const sides = [
    ["promotes", lens?.promoted ?? []],
    ["suppresses", lens?.suppressed ?? []],
  ] as const;
  return (
    <div class={isOpen ? "ss-lens ss-lens-open" : "ss-lens"}>
      {sides.map(([label, weights]) => (
        <div key={label} class="ss-weights">
          <button
            type="button"
            class="ss-label"
            aria-expanded={isOpen}
            title={title}
            onClick={() => setOpen(!isOpen)}
          >
            {label}
          </button>
          <ul>
            {weights.map((weight) => (
              <Weight key={weight.token} weight={weight} top={top} how={how} isOpen={isOpen} />
            ))}
          </ul>
        </div>
      ))}
      {isOpen && (
        <p class="ss-quiet">
          Logits per unit of activation, {how}
          {isStored ? "" : ", read now"}. {CAUTION}
        </p>
      )}
    </div>
  );
}

interface WeightProps {
  weight: TokenWeight;
  top: number;
  how: string;
  isOpen: boolean;
}

function Weight({ weight, top, how, isOpen }: WeightProps) {
  const hover = useContext(HoverContext);
  return (
    <li
      onMouseEnter={(e) => hover.set(described(weight, how, e.currentTarget))}
      onMouseLeave={() => hover.set(undefined)}
    >
      <bdi>{weight.text.trim() ? weight.text.replaceAll("\n", "⏎") : blank(weight.text)}</bdi>
      {isOpen && (
        <>
          <span class={weight.weight < 0 ? "ss-weight-bar ss-minus" : "ss-weight-bar"} aria-hidden="true">
            <span style={{ width: `${(100 * Math.abs(weight.weight)) / top}%` }} />
          </span>
          <span class="ss-weight-value">{signed(weight.weight)}</span>
        </>
      )}
      {!isOpen && <span class="ss-unseen"> {signed(weight.weight)}</span>}
    </li>
  );
}

/** White space that can be seen. */
function blank(text: string): string {
  return text.replaceAll("\n", "⏎").replaceAll("\t", "⇥").replace(/\s/g, "␣") || "␣";
}

function described(weight: TokenWeight, how: string, node: Element) {
  return {
    rect: node.getBoundingClientRect(),
    title: "",
    lines: [
      ["weight", `${signed(weight.weight)} logits per unit`],
      ["token", `${weight.raw}  ${count(weight.token)}`],
      ["how", how],
    ] as [string, string][],
  };
}

/** The lens of one feature, read by the model now. */
function useLens(client: Client, scope: string, feature: number, isWanted: boolean) {
  const [found, setFound] = useState<LensTokens>();
  const [error, setError] = useState<RequestError>();
  useEffect(() => {
    if (!isWanted) return;
    const life = new AbortController();
    setError(undefined);
    client
      .request("lens.compute", { scope, feature }, { slot: "lens", signal: life.signal })
      .then(({ data }) => setFound(data))
      .catch((failed: unknown) => !isQuiet(failed) && setError(asRequestError(failed)));
    return () => life.abort();
  }, [client, scope, feature, isWanted]);
  return { found: found?.feature === feature ? found : undefined, error };
}
