import { useEffect, useState } from "preact/hooks";
import { count } from "../../data/format.js";

interface Props {
  feature: number | undefined;
  n_features: number;
  go: (feature: number) => void;
}

/** The open feature's number; typing another goes there. */
export function NumberBox({ feature, n_features, go }: Props) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  useEffect(() => {
    setText(feature === undefined ? "" : String(feature));
    setProblem("");
  }, [feature]);
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = parseFeature(text, n_features);
    if (wanted === undefined) {
      setProblem(
        `No feature ${text.trim() || "without a number"}: this SAE has 0 to ${count(n_features - 1)}.`,
      );
      return;
    }
    setProblem("");
    go(wanted);
  };
  return (
    <form class="ss-number" onSubmit={submit}>
      <label>
        <span aria-hidden="true" draggable data-drag={feature} title="Drag the feature into a notebook (i)">
          #
        </span>
        <input
          data-box="number"
          inputMode="numeric"
          autocomplete="off"
          aria-label="Feature number"
          aria-invalid={problem !== ""}
          size={Math.max(2, text.length)}
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
          onFocus={(e) => e.currentTarget.select()}
          onBlur={() => {
            setProblem("");
            setText(feature === undefined ? "" : String(feature));
          }}
        />
      </label>
      {problem && (
        <p class="ss-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

/** A feature's number, if the text is one and the SAE has it. */
export function parseFeature(text: string, n_features: number): number | undefined {
  const digits = text.trim().replaceAll(",", "").replace(/^#/, "");
  if (!/^\d+$/.test(digits)) return undefined;
  const feature = Number(digits);
  return feature < n_features ? feature : undefined;
}
