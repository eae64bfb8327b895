import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { Example, Firing, ScopeInfo } from "../../protocol/generated.js";
import { FeatureName } from "../shell/FeatureName.js";
import { useSlow } from "../shell/hooks.js";
import { Skeleton } from "../shell/Notice.js";
import type { Placed } from "./pointing.js";
import { useLeaving } from "./useLeaving.js";

const N_SHOWN = 12;

/** A token that was pinned. */
export interface Pinned {
  example: Example;
  i: number;
  token: Placed;
}

interface Props {
  client: Client;
  info: ScopeInfo;
  feature: number | undefined;
  pinned: Pinned;
  choose: (feature: number) => void;
  isReadOnly: boolean;
  /** The page's activations are times the length of the decoder row. */
  isFolded: boolean;
  close: () => void;
}

/** A pinned token: what it is, and what else fires on it. */
export function TokenCard({ client, info, feature, pinned, choose, isReadOnly, isFolded, close }: Props) {
  const { example, i, token } = pinned;
  const box = useRef<HTMLDivElement>(null);
  const place = usePlace(box, token);
  useLeaving(box, close, "self");
  const facts: [string, string][] = [
    ["activation", number(example.activations[i] ?? 0)],
    ["token", count(example.tokens[i] ?? 0)],
    ["raw", example.raws[i] ?? ""],
    ["position", `${count(example.start + i)} of its context`],
    ["document", example.source ? `${count(example.doc)} · ${example.source}` : count(example.doc)],
  ];
  return (
    <div class="ss-popover ss-card" role="dialog" aria-label="Token" tabIndex={-1} ref={box} style={place}>
      <div class="ss-card-head">
        <code>{(example.texts[i] ?? "").replaceAll("\n", "⏎") || "␣"}</code>
        <button type="button" class="ss-quiet-button" aria-label="Close" onClick={close}>
          ✕
        </button>
      </div>
      <dl class="ss-card-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {!isReadOnly && (
        <Fires
          client={client}
          info={info}
          row={example.row + i}
          feature={feature}
          choose={choose}
          isFolded={isFolded}
        />
      )}
    </div>
  );
}

interface FiresProps {
  client: Client;
  info: ScopeInfo;
  row: number;
  feature: number | undefined;
  choose: (feature: number) => void;
  isFolded: boolean;
}

/** Everything that fires on a token, strongest first; a click walks there. */
function Fires({ client, info, row, feature, choose, isFolded }: FiresProps) {
  const { has_postings, has_model, id: scope } = info;
  const [found, setFound] = useState<Firing>();
  const [error, setError] = useState<RequestError>();
  const isSlow = useSlow(!found && !error);
  const isKnown = has_postings || has_model;
  useEffect(() => {
    if (!isKnown) return;
    const life = new AbortController();
    setFound(undefined);
    setError(undefined);
    client
      .request(
        has_postings ? "tokens.firing" : "tokens.compute",
        { scope, row, k: N_SHOWN },
        { slot: "firing", signal: life.signal },
      )
      .then(({ data }) => setFound(data))
      .catch((failed: unknown) => !isQuiet(failed) && setError(asRequestError(failed)));
    return () => life.abort();
  }, [client, scope, row, has_postings, isKnown]);
  const top = Math.max(...(found?.features ?? []).map((f) => Math.abs(f.activation)), 1e-9);
  return (
    <div class="ss-fires">
      <h3>
        fires here
        {found && (
          <span class="ss-quiet">
            {" "}
            {count(found.n_fires)} features{has_postings ? "" : ", run now"}
            {isFolded && ", in the SAE's own units"}
          </span>
        )}
      </h3>
      {!isKnown && (
        <p class="ss-quiet">
          Not known: the index was made without postings, and no model is loaded. Load both with
          saescope.load.
        </p>
      )}
      {error && (
        <p class="ss-quiet">
          {error.message} {error.hint}
        </p>
      )}
      {isSlow && <Skeleton lines={5} />}
      <ul>
        {found?.features.map(({ brief, activation }) => (
          <li key={brief.feature}>
            <FeatureName brief={brief} choose={choose} isOpen={brief.feature === feature} />
            <span class="ss-fires-bar" aria-hidden="true">
              <span style={{ width: `${(100 * Math.abs(activation)) / top}%` }} />
            </span>
            <span class="ss-fires-value">{number(activation)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Under the token, or above it where there is no room; it scrolls along with the page. */
function usePlace(box: { current: HTMLElement | null }, token: Placed) {
  const [place, setPlace] = useState({ left: "0px", top: "0px" });
  useLayoutEffect(() => {
    const node = box.current;
    const page = node?.parentElement;
    if (!node || !page) return;
    const outer = page.getBoundingClientRect();
    const at = token.getBoundingClientRect();
    const left = Math.min(at.left - outer.left, page.clientWidth - node.offsetWidth - 8);
    const below = at.bottom - outer.top + 4;
    const isBelow = below + node.offsetHeight <= page.clientHeight;
    const top = isBelow ? below : at.top - outer.top - node.offsetHeight - 4;
    const within = Math.max(4, Math.min(top, page.clientHeight - node.offsetHeight - 4));
    setPlace({ left: `${Math.max(8, left)}px`, top: `${within + page.scrollTop}px` });
  }, [token]);
  return place;
}
