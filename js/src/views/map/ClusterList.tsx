import { count } from "../../data/format.js";
import type { MapCluster } from "../../protocol/generated.js";

/** The largest clusters as a list: what the map says, for those who do not see it. */
export function ClusterList({
  clusters,
  isShown = false,
}: {
  clusters: readonly MapCluster[];
  isShown?: boolean;
}) {
  const named = clusters.filter((c) => c.level === 0 && c.name);
  if (!named.length) return null;
  return (
    <ul class={isShown ? "ss-map-list" : "ss-map-hidden"} aria-label="Clusters of the map">
      {named.map(({ name, n }) => (
        <li key={name + n}>
          {name} <span class="ss-quiet">{count(n)} features</span>
        </li>
      ))}
    </ul>
  );
}
