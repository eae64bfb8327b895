import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useHovered } from "./hover.js";

const GAP = 6;

/** The one tooltip of a panel, under what is hovered, or above it where there is no room. */
export function Tooltip() {
  const hovered = useHovered();
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  useLayoutEffect(() => {
    const parent = box.current?.parentElement;
    if (!hovered || !box.current || !parent) return;
    const outer = parent.getBoundingClientRect();
    const own = box.current.getBoundingClientRect();
    const below = hovered.rect.bottom - outer.top + GAP;
    const above = hovered.rect.top - outer.top - own.height - GAP;
    const left = Math.min(hovered.rect.left - outer.left, outer.width - own.width - GAP);
    setPlace({
      left: Math.max(GAP, left),
      top: below + own.height > outer.height && above > 0 ? above : below,
    });
  }, [hovered]);
  if (!hovered) return null;
  return (
    <div
      class="saescope-tooltip"
      role="tooltip"
      ref={box}
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
    >
      {hovered.title && <div class="ss-tip-title">{hovered.title}</div>}
      {hovered.lines.length > 0 && (
        <dl>
          {hovered.lines.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
