import type { MapChoice, MapData } from "../../protocol/generated.js";
import { useKeys } from "../shell/keys.js";
import { Legend } from "./Legend.js";
import type { MapState } from "./state.js";

interface Props {
  state: MapState;
  update: (part: Partial<MapState>) => void;
  data: MapData | undefined;
  isLasso: boolean;
  setLasso: (isOn: boolean) => void;
  canLasso: boolean;
  isReadOnly: boolean;
}

const METHODS: MapChoice[] = [{ name: "pca", title: "PCA" }];
const ABOUT: Record<string, string> = {
  pca: "Principal components: the two directions in which the decoder's rows vary most.",
  umap: "UMAP: near features stay near; far distances mean little.",
};

/** How the map is drawn and colored, and what the colors mean. */
export function MapBar({ state, update, data, isLasso, setLasso, canLasso, isReadOnly }: Props) {
  const lasso = () => canLasso && setLasso(!isLasso);
  useKeys({ o: ["draw a line round features, to pick them", lasso] });
  return (
    <div class="ss-map-bar">
      {!isReadOnly && (
        <>
          <Choice
            name="Map by"
            value={state.method}
            choices={data?.methods ?? METHODS}
            title={ABOUT[state.method] ?? ""}
            choose={(method) => update({ method })}
          />
          <Choice
            name="Color"
            value={state.color}
            choices={data?.colors ?? [{ name: state.color, title: state.color }]}
            title="What the color of a point tells."
            choose={(color) => update({ color })}
          />
          <label title="Leave out the features that never fire on the indexed text.">
            <input
              type="checkbox"
              checked={state.hides_dead}
              onChange={(e) => update({ hides_dead: e.currentTarget.checked })}
            />
            hide dead
          </label>
          <button
            type="button"
            class="ss-quiet-button"
            aria-pressed={isLasso}
            disabled={!canLasso}
            title="Draw a line round features to pick them in the table (o, or drag with shift)."
            onClick={lasso}
          >
            lasso
          </button>
        </>
      )}
      {data?.color && <Legend data={data} />}
    </div>
  );
}

interface ChoiceProps {
  name: string;
  value: string;
  choices: readonly MapChoice[];
  title: string;
  choose: (name: string) => void;
}

function Choice({ name, value, choices, title, choose }: ChoiceProps) {
  return (
    <label title={title}>
      <span class="ss-label ss-map-choice">{name}</span>
      <select class="ss-map-select" value={value} onChange={(e) => choose(e.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.name} value={choice.name}>
            {choice.title}
          </option>
        ))}
      </select>
    </label>
  );
}
