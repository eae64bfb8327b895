import { useState } from "preact/hooks";
import type { FeatureNote, LayerLabel } from "../../protocol/generated.js";
import type { Desk } from "./desk.js";

interface Props {
  note: FeatureNote | undefined;
  /** Takes a label as one's own; without it nothing can be changed. */
  desk?: Desk;
}

const N_SHOWN = 2;
const LONG = 140;

/** What other sources call a feature: never changed here, and apart from a person's own label. */
export function Layers({ note, desk }: Props) {
  const [isOpen, setOpen] = useState(false);
  const layers = note?.layers ?? [];
  if (!note || layers.length === 0) return null;
  const shown = isOpen ? layers : layers.slice(0, N_SHOWN);
  const isCut = layers.length > N_SHOWN || layers.some(({ label }) => label.length > LONG);
  return (
    <ul class="ss-layers" aria-label="Labels from elsewhere">
      {shown.map((layer) => (
        <Line key={layer.layer} layer={layer} note={note} desk={desk} isOpen={isOpen} />
      ))}
      {isCut && (
        <li>
          <button
            type="button"
            class="ss-quiet-button"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? "less" : layers.length > N_SHOWN ? `all ${layers.length}` : "all of it"}
          </button>
        </li>
      )}
    </ul>
  );
}

interface LineProps {
  layer: LayerLabel;
  note: FeatureNote;
  desk: Desk | undefined;
  isOpen: boolean;
}

function Line({ layer: { layer, source, label }, note, desk, isOpen }: LineProps) {
  const text = isOpen || label.length <= LONG ? label : `${label.slice(0, LONG)}…`;
  const isOwn = note.label === label;
  const use = () => {
    desk?.edit(note.feature, "label", label);
    void desk?.commit(note.feature, "label");
  };
  return (
    <li title={`From “${layer}”: ${source}.`}>
      <span class="ss-layer-name" dir="auto">
        {layer}
      </span>
      <span class="ss-layer-label" dir="auto">
        {text}
      </span>
      {desk && !isOwn && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-label={`Use the label of ${layer} as your own`}
          title="Make it your own label; undo takes it back."
          onClick={use}
        >
          use
        </button>
      )}
    </li>
  );
}
