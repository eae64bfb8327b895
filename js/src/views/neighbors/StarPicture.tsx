import { useContext, useEffect, useMemo, useRef } from "preact/hooks";
import { number } from "../../data/format.js";
import type { FeatureBrief, Neighbors } from "../../protocol/generated.js";
import { callName, firing } from "../shell/FeatureName.js";
import { HoverContext } from "../shell/hover.js";
import { useSize } from "../shell/useSize.js";
import { triangle } from "./order.js";
import { type Spot, type Star, starOf } from "./star.js";

interface Props {
  answer: Neighbors;
  pointed: number | undefined;
  point: (feature: number | undefined) => void;
  choose: (feature: number) => void;
}

/** The neighborhood as a star: the farther out, the lower the score; alike neighbors stand together. */
export function StarPicture({ answer, pointed, point, choose }: Props) {
  const box = useRef<HTMLElement>(null);
  const { width, height } = useSize(box, { width: 480, height: 320 });
  const hover = useContext(HoverContext);
  const { center, neighbors, metric, links } = answer;
  const star = useMemo(() => {
    const like = links.length > 0 ? triangle(links, neighbors.length + 1) : undefined;
    const names = [center, ...neighbors.map((n) => n.brief)].map(named);
    const scores = neighbors.map((n) => n.score);
    return starOf(names, scores, like, width, height);
  }, [answer, width, height]);
  useEffect(() => () => hover.set(undefined), [answer]);
  const onPoint = (i: number | undefined, node?: Element) => {
    const neighbor = i === undefined ? undefined : neighbors[i];
    point(neighbor?.brief.feature);
    if (!neighbor || !node) return hover.set(undefined);
    const { brief, score, error } = neighbor;
    hover.set({
      rect: node.getBoundingClientRect(),
      title: `${brief.feature} ${brief.label || brief.top_tokens.slice(0, 4).join(" · ")}`,
      lines: [
        ["score", `${metric.title} ${number(score)}${error ? ` ± ${number(error)}` : ""}`],
        ["firing", firing(brief)],
      ],
    });
  };
  const legend = star.lines.length > 0 ? `lines: mutual decoder cosine ≥ ${star.least}` : "";
  return (
    <figure class="ss-sky" ref={box}>
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={told(answer)}
      >
        <Rings star={star} />
        <g key={`${center.feature}-${metric.name}-${neighbors.length}`} class="ss-sky-lines">
          <Lines star={star} pointed={neighbors.findIndex((n) => n.brief.feature === pointed)} />
        </g>
        {neighbors.map(({ brief }, i) => {
          const spot = star.spots[i];
          return (
            spot && (
              <Node
                key={brief.feature}
                brief={brief}
                spot={spot}
                isPointed={brief.feature === pointed}
                onPoint={(node) => onPoint(node && i, node)}
                choose={choose}
              />
            )
          );
        })}
        <g class="ss-sky-node ss-sky-center" key={center.feature} style={moved(star.center)}>
          <circle r="7" />
          <LabelText spot={star.center} />
        </g>
      </svg>
      <figcaption>
        <span>distance: {metric.title}</span>
        {legend && <span>{legend}</span>}
      </figcaption>
    </figure>
  );
}

function Rings({ star: { center, rings } }: { star: Star }) {
  return (
    <g class="ss-sky-rings">
      {rings.map(({ score, rx, ry }) => (
        <g key={score}>
          <ellipse cx={center.x} cy={center.y} rx={rx} ry={ry} />
          <text x={center.x} y={center.y + ry} text-anchor="middle" dy="0.35em">
            {String(score).replace("-", "−")}
          </text>
        </g>
      ))}
    </g>
  );
}

function Lines({ star, pointed }: { star: Star; pointed: number }) {
  const { center, spots, lines, least } = star;
  return (
    <>
      {spots.map(({ x, y }, i) => (
        <line
          key={`0-${i}`}
          class={i === pointed ? "ss-sky-spoke ss-sky-near" : "ss-sky-spoke"}
          x1={center.x}
          y1={center.y}
          x2={x}
          y2={y}
        />
      ))}
      {lines.map(({ from, to, cosine }) => {
        const [a, b] = [spots[from], spots[to]];
        if (!a || !b) return null;
        const isNear = from === pointed || to === pointed;
        return (
          <line
            key={`${from}-${to}`}
            class={isNear ? "ss-sky-link ss-sky-near" : "ss-sky-link"}
            x1={a.x}
            y1={a.y}
            x2={b.x}
            y2={b.y}
            stroke-width={(1 + 2 * ((cosine - least) / Math.max(1 - least, 0.01))).toFixed(2)}
          />
        );
      })}
    </>
  );
}

interface NodeProps {
  brief: FeatureBrief;
  spot: Spot;
  isPointed: boolean;
  onPoint: (node?: Element) => void;
  choose: (feature: number) => void;
}

function Node({ brief, spot, isPointed, onPoint, choose }: NodeProps) {
  return (
    <g
      class={isPointed ? "ss-sky-node ss-sky-pointed" : "ss-sky-node"}
      data-node={brief.feature}
      style={moved(spot)}
      onMouseEnter={(e) => onPoint(e.currentTarget.querySelector("circle") ?? undefined)}
      onMouseLeave={() => onPoint()}
      onClick={() => choose(brief.feature)}
    >
      <circle class="ss-sky-hit" r="11" />
      <circle r="4" />
      <LabelText spot={spot} />
    </g>
  );
}

function LabelText({ spot: { x, y, label } }: { spot: Spot }) {
  if (!label) return null;
  const [digits, ...name] = label.text.split(" ");
  return (
    <text x={label.x - x} y={label.y - y} dy="0.35em" text-anchor={label.anchor}>
      <tspan class="ss-sky-number">{digits}</tspan>
      {name.length > 0 && ` ${name.join(" ")}`}
    </text>
  );
}

function named(brief: FeatureBrief) {
  return { number: String(brief.feature), name: callName(brief) };
}

function moved({ x, y }: Spot) {
  return { transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)` };
}

function told({ center, neighbors, metric }: Neighbors): string {
  const near = neighbors.slice(0, 5).map((n) => `${n.brief.feature} ${callName(n.brief)} ${number(n.score)}`);
  return `Feature ${center.feature} and its ${neighbors.length} nearest by ${metric.title}: ${near.join(", ")} …`;
}
