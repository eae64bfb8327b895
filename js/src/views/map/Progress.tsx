import { count, percent } from "../../data/format.js";
import type { MapNews } from "../../protocol/generated.js";
import { Notice } from "../shell/Notice.js";

/** How the drawing of a map goes, with a stop. */
export function Progress({ drawing, stop }: { drawing: MapNews; stop: () => void }) {
  const { method, stage, done, total, unit } = drawing;
  const share = percent(done, total);
  const text = total > 0 ? `${stage} · ${share}\u2009% of ${count(total)} ${unit}s` : stage;
  return (
    <div class="ss-build ss-map-progress">
      <span class="ss-build-text">
        {method.toUpperCase()}: {text}
      </span>
      <button type="button" class="ss-button ss-stop" onClick={stop}>
        Stop
      </button>
      <div
        class={total > 0 ? "ss-progress" : "ss-progress ss-unknown"}
        role="progressbar"
        aria-label={`Drawing the map: ${stage}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={total > 0 ? share : undefined}
      >
        <div style={total > 0 ? { width: `${share}%` } : undefined} />
      </div>
    </div>
  );
}

interface Props {
  method: string;
  n: number;
  draw: () => void;
  isReadOnly: boolean;
}

/** A map that takes long is drawn when somebody wants it. */
export function Undrawn({ method, n, draw, isReadOnly }: Props) {
  const name = method.toUpperCase();
  if (method === "pca") return null;
  return (
    <Notice title={`The map by ${name} has not been drawn yet.`}>
      <p>
        It compares all {count(n)} features with each other: {timeFor(n)}. It is kept beside the index, and
        you can go on meanwhile.
      </p>
      {!isReadOnly && (
        <button type="button" class="ss-button" onClick={draw}>
          Draw it
        </button>
      )}
    </Notice>
  );
}

function timeFor(n: number): string {
  if (n <= 20_000) return "about a minute";
  if (n <= 150_000) return "some minutes on a GPU, up to an hour without one";
  return "hours without a GPU";
}
