import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { density, number, tokens } from "../../data/format.js";
import type { MapColor, MapData } from "../../protocol/generated.js";
import { useTheme } from "../shell/hooks.js";
import { categoryCss, type Ground, rampCss, styleOf } from "./ramp.js";

const STOPS = [0, 0.25, 0.5, 0.75, 1];
const SIGNS = ["●", "■", "◆", "✚"];

/** What the colors mean: a scale with its ends, or a sign for each category. */
export function Legend({ data }: { data: MapData }) {
  const box = useRef<HTMLDivElement>(null);
  const [ground, setGround] = useState<Ground>("light");
  const theme = useTheme();
  const color = data.color as MapColor;
  useLayoutEffect(() => {
    if (box.current) setGround(styleOf(box.current, color).ground);
  }, [theme, color]);
  return (
    <div class="ss-map-legend" ref={box}>
      {color.categories.length ? (
        <Categories color={color} ground={ground} />
      ) : (
        <Scale color={color} ground={ground} />
      )}
    </div>
  );
}

function Scale({ color, ground }: { color: MapColor; ground: Ground }) {
  if (color.high <= color.low) return <span>all the same</span>;
  const stops = STOPS.map((t) => rampCss(t, ground)).join(", ");
  const [low, high] = [said(color, color.low), said(color, color.high)];
  const scale = color.is_log ? ", on a logarithmic scale" : "";
  const title = `Color and size tell the ${color.title}, from ${low} or less to ${high} or more${scale}.`;
  return (
    <span title={title}>
      <span>≤ {low}</span>
      <span class="ss-map-ramp" style={{ background: `linear-gradient(to right, ${stops})` }} />
      <span>≥ {high}</span>
      {color.is_log && <span class="ss-label">log</span>}
    </span>
  );
}

function Categories({ color, ground }: { color: MapColor; ground: Ground }) {
  if (color.name !== "status") return <span class="ss-label">named on the map</span>;
  return (
    <>
      {color.categories.map((name, code) => (
        <span key={name}>
          <span aria-hidden="true" style={{ color: categoryCss(code, color.name, ground) }}>
            {SIGNS[code % SIGNS.length]}
          </span>{" "}
          {name}
        </span>
      ))}
    </>
  );
}

function said({ name }: MapColor, value: number): string {
  if (name === "density") return density(value);
  return name === "n_fires" ? tokens(value) : number(value);
}
