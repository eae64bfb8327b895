import { useContext } from "preact/hooks";
import type { Client } from "../../protocol/client.js";
import type { Health, ScopeInfo } from "../../protocol/generated.js";
import { HoverContext } from "../shell/hover.js";
import { best, errorText, GRADES, NAMES, share, thresholds, valueText } from "./figures.js";
import { useHealth } from "./useHealth.js";

interface Props {
  info: ScopeInfo;
  client: Client;
  /** What a click does, such as opening the panel. */
  open?: () => void;
}

/** The health of the pairing in a word, its figures on hover; one request for each state of the index. */
export function HealthBadge({ info, client, open }: Props) {
  const hover = useContext(HoverContext);
  const { health } = useHealth(client, info);
  if (!health || !info.has_index) return null;
  const recovered = best(health, "recovered")?.value;
  const figure = recovered == null ? "" : `${share(recovered)} recovered`;
  const show = (node: HTMLElement) =>
    hover.set({ rect: node.getBoundingClientRect(), title: "", lines: lines(health) });
  const hide = () => hover.set(undefined);
  const inside = (
    <>
      <Mark grade={health.grade} />{" "}
      {figure && <span class="ss-wide-only ss-health-badge-figure">{figure}</span>}
    </>
  );
  const props = {
    class: "ss-health-badge",
    "aria-label": `Health: ${GRADES[health.grade].word}${figure && ` ${figure}`}`,
    onMouseEnter: (e: MouseEvent) => show(e.currentTarget as HTMLElement),
    onMouseLeave: hide,
  };
  if (!open)
    return (
      <span {...props} role="img">
        {inside}
      </span>
    );
  return (
    <button
      {...props}
      type="button"
      onClick={open}
      onFocus={(e) => e.currentTarget.matches(":focus-visible") && show(e.currentTarget)}
      onBlur={hide}
    >
      {inside}
    </button>
  );
}

/** A grade as a shape and a word. */
export function Mark({ grade }: { grade: Health["grade"] }) {
  const { shape, word } = GRADES[grade];
  return (
    <span class={`ss-health-grade ss-health-grade-${grade || "none"}`}>
      <span class="ss-health-grade-shape" aria-hidden="true">
        {shape}
      </span>
      {word}
    </span>
  );
}

function lines(health: Health): [string, string][] {
  return ["recovered", "explained_variance", "l0", "alive", "dense"].flatMap((name) => {
    const figure = best(health, name);
    if (figure?.value == null) return [];
    const limits = thresholds(figure);
    const text = [`${valueText(figure)} ${errorText(figure)}`.trim(), limits && `(${limits})`]
      .filter(Boolean)
      .join(" ");
    return [[NAMES[name] ?? name, text] as [string, string]];
  });
}
