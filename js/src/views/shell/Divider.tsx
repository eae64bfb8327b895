import { useRef } from "preact/hooks";

interface Props {
  label: string;
  /** "vertical" divides left from right. */
  orientation: "vertical" | "horizontal";
  /** The share of the first part, 0 to 1. */
  share: number;
  low: number;
  high: number;
  change: (share: number) => void;
}

const STEP = 0.02;

/** The line between two parts of a panel: dragged, or moved with the arrow keys. */
export function Divider({ label, orientation, share, low, high, change }: Props) {
  const node = useRef<HTMLDivElement>(null);
  const isVertical = orientation === "vertical";
  const set = (next: number) => change(Math.round(Math.max(low, Math.min(high, next)) * 1000) / 1000);
  const drag = (event: PointerEvent) => {
    const box = node.current?.parentElement?.getBoundingClientRect();
    if (!box || !node.current?.hasPointerCapture(event.pointerId)) return;
    set(isVertical ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const [less, more] = isVertical ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key !== less && event.key !== more) return;
    event.preventDefault();
    event.stopPropagation();
    set(share + (event.key === more ? STEP : -STEP));
  };
  return (
    <div
      ref={node}
      class={`ss-divider ss-divider-${orientation}`}
      role="separator"
      aria-label={label}
      aria-orientation={orientation}
      aria-valuemin={Math.round(low * 100)}
      aria-valuemax={Math.round(high * 100)}
      aria-valuenow={Math.round(share * 100)}
      tabIndex={0}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onPointerUp={(event) => event.currentTarget.releasePointerCapture(event.pointerId)}
      onKeyDown={onKeyDown}
    />
  );
}
