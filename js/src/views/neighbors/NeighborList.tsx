import { useEffect, useRef } from "preact/hooks";
import { number } from "../../data/format.js";
import type { Neighbor, Neighbors } from "../../protocol/generated.js";
import { FeatureName } from "../shell/FeatureName.js";

interface Props {
  answer: Neighbors;
  hasIndex: boolean;
  /** Neighbors without any likeness, that are not shown. */
  nLeftOut: number;
  /** The feature that other panels show. */
  open: number | undefined;
  pointed: number | undefined;
  point: (feature: number | undefined) => void;
  choose: (feature: number) => void;
}

/** The neighbors, nearest first: rank, score, and name. */
export function NeighborList({ answer, hasIndex, nLeftOut, open, pointed, point, choose }: Props) {
  const { metric, neighbors } = answer;
  const list = useRef<HTMLOListElement>(null);
  const most = Math.max(...neighbors.map((n) => Math.abs(n.score)), 1e-9);
  useEffect(() => {
    const box = list.current?.parentElement;
    const row = list.current?.querySelector<HTMLElement>(".ss-near-pointed");
    if (!box || !row || list.current?.matches(":hover, :focus-within")) return;
    const [outer, own] = [box.getBoundingClientRect(), row.getBoundingClientRect()];
    if (own.top < outer.top) box.scrollTop -= outer.top - own.top;
    if (own.bottom > outer.bottom) box.scrollTop += own.bottom - outer.bottom;
  }, [pointed]);
  const onKeyDown = (event: KeyboardEvent) => {
    const delta = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (delta === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = buttons.indexOf(event.target as HTMLElement);
    event.preventDefault();
    event.stopPropagation();
    buttons[at + delta]?.focus();
  };
  return (
    <div class="ss-near-list">
      <ol ref={list} aria-label={`Nearest by ${metric.title}`} onKeyDown={onKeyDown}>
        {neighbors.map((neighbor, i) => {
          const { feature } = neighbor.brief;
          return (
            <li
              key={feature}
              class={feature === pointed ? "ss-near-row ss-near-pointed" : "ss-near-row"}
              data-neighbor={feature}
              onMouseEnter={() => point(feature)}
              onMouseLeave={() => point(undefined)}
              onFocusIn={() => point(feature)}
              onFocusOut={() => point(undefined)}
            >
              <span class="ss-near-rank">{i + 1}</span>
              <Score neighbor={neighbor} title={metric.title} most={most} />
              <span class="ss-near-name">
                <FeatureName brief={neighbor.brief} choose={choose} isOpen={feature === open} />
                {hasIndex && neighbor.brief.n_fires === 0 && <span class="ss-quiet">never fired</span>}
              </span>
            </li>
          );
        })}
      </ol>
      {nLeftOut > 0 && (
        <p class="ss-quiet ss-near-note">
          {neighbors.length === 0
            ? "No other feature fires on the same tokens."
            : `No more than ${neighbors.length === 1 ? "this one fires" : `these ${neighbors.length} fire`} on the same tokens.`}
        </p>
      )}
    </div>
  );
}

function Score({
  neighbor: { score, error },
  title,
  most,
}: {
  neighbor: Neighbor;
  title: string;
  most: number;
}) {
  const text = score.toFixed(3).replace("-", "−");
  const spread = error ? `± ${number(error)}` : "";
  const tip = spread
    ? `${title} ${text} ${spread} (standard error: of the tokens, a draw was looked at)`
    : "";
  return (
    <>
      <span class="ss-near-score" title={tip || `${title} ${text}`}>
        {text}
        {spread && <span class="ss-near-error">{spread}</span>}
      </span>
      <span class="ss-near-bar-of" aria-hidden="true">
        <span style={{ width: `${(Math.max(0, score) / most) * 100}%` }} />
      </span>
    </>
  );
}
