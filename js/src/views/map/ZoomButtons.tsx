import { useKeys } from "../shell/keys.js";
import type { Briefs } from "./briefs.js";
import { wordsOf } from "./briefs.js";
import type { Chart } from "./plot/types.js";

const STEP = 1.5;
const PAN_PX = 60;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [PAN_PX, 0],
  ArrowRight: [-PAN_PX, 0],
  ArrowUp: [0, PAN_PX],
  ArrowDown: [0, -PAN_PX],
};

/** Nearer, farther, and all of it, by mouse or key. */
export function ZoomButtons({ chart }: { chart: Chart | undefined }) {
  const zoom = (factor: number) => chart?.zoomBy(factor);
  const whole = () => chart?.look({}, true);
  useKeys({
    "+": ["nearer on the map", () => zoom(STEP)],
    "=": ["", () => zoom(STEP)],
    "-": ["farther on the map", () => zoom(1 / STEP)],
    "0": ["the whole map", whole],
  });
  return (
    <div class="ss-map-zoom" role="group" aria-label="Zoom">
      <button type="button" aria-label="Nearer" title="Nearer (+)" onClick={() => zoom(STEP)}>
        +
      </button>
      <button type="button" aria-label="Farther" title="Farther (−)" onClick={() => zoom(1 / STEP)}>
        −
      </button>
      <button type="button" aria-label="Reset the view" title="The whole map (0)" onClick={whole}>
        ⤢
      </button>
    </div>
  );
}

interface Keyed {
  chart: Chart | undefined;
  briefs: Briefs;
  open: (feature: number) => void;
  say: (text: string) => void;
  setHovered: (feature: number | undefined) => void;
  isLasso: boolean;
  setLasso: (isOn: boolean) => void;
}

/** Keys while the map itself has the focus: arrows go about and tell what is in the middle, Enter opens it. */
export function useMapKeys({ chart, briefs, open, say, setHovered, isLasso, setLasso }: Keyed) {
  const middle = () => chart?.nearest([chart.size[0] / 2, chart.size[1] / 2], Math.max(...chart.size));
  const tell = async (start: string, feature: number) => {
    await briefs.fetch([feature], "map-hover");
    const brief = briefs.get(feature);
    say(`${start} feature ${feature}${brief ? `: ${wordsOf(brief) || "never fires"}` : ""}`);
  };
  return (event: KeyboardEvent) => {
    if (!chart || event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const arrow = ARROWS[event.key];
    const isLeaving = event.key === "Escape" && isLasso;
    if (!arrow && !isLeaving && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (isLeaving) return setLasso(false);
    if (arrow) chart.panBy(...arrow);
    const found = middle();
    if (found === undefined) return say("Nothing is near.");
    setHovered(found);
    if (!arrow) open(found);
    void tell(arrow ? "In the middle:" : "Opened", found);
  };
}
