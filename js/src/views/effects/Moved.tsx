import { useContext } from "preact/hooks";
import { count, number } from "../../data/format.js";
import { HoverContext } from "../shell/hover.js";
import { change, probability, visible } from "./signed.js";

/** A token whose probability moved. */
export interface MovedToken {
  token: number;
  text: string;
  raw: string;
  before: number;
  after: number;
}

const LEAST = 5e-4;

interface Props {
  raised: readonly MovedToken[];
  lowered: readonly MovedToken[];
  /** At most so many of each. */
  n?: number;
  /** The token that is measured: its row stands out. */
  target?: number | undefined;
  isOld?: boolean;
}

/** The tokens whose probability fell and rose most, before and after as bars on one scale. */
export function Moved({ raised, lowered, n = 5, target, isOld }: Props) {
  const sides = [
    ["lowered", told(lowered.filter((t) => t.after < t.before)).slice(0, n)],
    ["raised", told(raised.filter((t) => t.after > t.before)).slice(0, n)],
  ] as const;
  const top = Math.max(1e-9, ...sides.flatMap(([, side]) => side.flatMap((t) => [t.before, t.after])));
  return (
    <div class={isOld ? "ss-moved ss-old" : "ss-moved"}>
      {sides.map(([name, side]) => (
        <section key={name} aria-label={`Tokens ${name} most`}>
          <h4>{name}</h4>
          {side.length === 0 ? (
            <p class="ss-quiet">none</p>
          ) : (
            <ul>
              {side.map((token) => (
                <Row key={token.token} moved={token} top={top} isTarget={token.token === target} />
              ))}
            </ul>
          )}
        </section>
      ))}
    </div>
  );
}

/** Those that moved by enough to see, and the first in any case. */
function told(moved: readonly MovedToken[]): MovedToken[] {
  return moved.filter((t, i) => i === 0 || Math.abs(t.after - t.before) >= LEAST);
}

function Row({ moved, top, isTarget }: { moved: MovedToken; top: number; isTarget: boolean }) {
  const hover = useContext(HoverContext);
  const { before, after, text } = moved;
  const kept = Math.min(before, after);
  const by = Math.abs(after - before);
  const width = (p: number) => `${((100 * p) / top).toFixed(2)}%`;
  const said = `${probability(before)} → ${probability(after)}`;
  return (
    <li
      class={isTarget ? "ss-moved-row ss-moved-target" : "ss-moved-row"}
      onMouseEnter={(e) => hover.set(described(moved, e.currentTarget))}
      onMouseLeave={() => hover.set(undefined)}
    >
      <bdi class="ss-moved-token">{visible(text)}</bdi>
      <span class="ss-moved-bar" aria-hidden="true">
        <span class="ss-moved-kept" style={{ width: width(kept) }} />
        <span
          class={after < before ? "ss-moved-by ss-fall" : "ss-moved-by ss-rise"}
          style={{ width: width(by) }}
        />
      </span>
      <span class="ss-moved-value">{said}</span>
    </li>
  );
}

function described({ token, raw, before, after }: MovedToken, node: Element) {
  const lines: [string, string][] = [
    ["token", `${raw}  ${count(token)}`],
    ["probability", `${number(before)} → ${number(after)}`],
    ["change", change(after - before)],
    ["log p", `${change(Math.log(after / before))} nats`],
  ];
  return { rect: node.getBoundingClientRect(), title: "", lines };
}
