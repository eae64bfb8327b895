import { density, number } from "../../data/format.js";
import type { FeatureRow } from "../../data/rows.js";

interface Props {
  row: number;
  y: number;
  data: FeatureRow | undefined;
  isOpen: boolean;
  choose: (feature: number, row: number) => void;
}

/** One row of the table; empty while its data is on the way. */
export function FeatureRowView({ row, y, data, isOpen, choose }: Props) {
  return (
    <div
      class={isOpen ? "ss-row ss-open" : "ss-row"}
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isOpen}
      data-feature={data?.feature}
      style={{ transform: `translateY(${y}px)` }}
      onClick={() => data && choose(data.feature, row)}
    >
      {data && (
        <>
          <Cell name="feature">{String(data.feature)}</Cell>
          <Cell name="tokens">
            {data.top_tokens.map((token, i) => (
              <span key={i}>{token.trim().replaceAll("\n", "⏎") || "␣"}</span>
            ))}
          </Cell>
          <Cell name="density">{density(data.density)}</Cell>
          <Cell name="max">{data.n_fires > 0 ? number(data.max) : "–"}</Cell>
        </>
      )}
    </div>
  );
}

function Cell({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class={`ss-${name}`} role="gridcell">
      {children}
    </div>
  );
}
