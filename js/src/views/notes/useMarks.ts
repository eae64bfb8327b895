import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { type Client, isQuiet } from "../../protocol/client.js";
import type { Example, ExampleMark, FeatureMarks } from "../../protocol/generated.js";
import type { Desk } from "./desk.js";
import { deskOf } from "./useNote.js";

export type Mark = ExampleMark["mark"];

/** What each mark looks like, is called, and which key makes it. */
export const MARKS: [mark: Mark, sign: string, key: string, title: string][] = [
  ["typical", "✓", "+", "Typical: it shows what the feature is about."],
  ["counterexample", "≠", "-", "Counterexample: it speaks against the label."],
];

export interface Marks {
  /** All of the feature, the one made last first; undefined until they are known. */
  all: ExampleMark[] | undefined;
  of: (example: Example) => Mark | undefined;
  desk: Desk;
}

const NO_EXAMPLES: Example[] = [];

/** The row of an example's peak in the corpus. */
export function peakRow(example: Example): number {
  return example.row + example.peak;
}

/**
 * Which of a feature's examples are marked. Asked for only if the note says that some are, and again
 * when it changes: so a feature without marks costs nothing.
 */
export function useMarks(
  client: Client,
  scope: string,
  feature: number | undefined,
  examples: Example[] = NO_EXAMPLES,
): Marks {
  const desk = deskOf(client, scope);
  const [found, setFound] = useState<FeatureMarks>();
  // the note is watched where it is shown; here only what says of marks is of interest
  const [{ nMarks, version }, setNote] = useState({ nMarks: 0, version: 0 });
  useLayoutEffect(() => {
    const look = () => {
      const note = feature === undefined ? undefined : desk.note(feature);
      const next = { nMarks: note?.n_marks ?? 0, version: note?.version ?? 0 };
      setNote((now) => (now.nMarks === next.nMarks && now.version === next.version ? now : next));
    };
    look();
    return desk.listen(look);
  }, [desk, feature]);
  const rows = useMemo(() => examples.map(peakRow), [examples]);
  const slot = examples === NO_EXAMPLES ? "marks-all" : "marks-shown";
  useEffect(() => {
    if (feature === undefined || nMarks === 0) return;
    const life = new AbortController();
    client.request("marks.get", { scope, feature, rows }, { slot, signal: life.signal }).then(
      ({ data }) => setFound(data),
      (failed) => {
        if (!isQuiet(failed)) setFound(undefined);
      },
    );
    return () => life.abort();
  }, [client, scope, feature, nMarks, version, rows]);
  return useMemo(() => {
    const known = nMarks > 0 && found?.feature === feature ? found : undefined;
    const shown = new Map(known?.shown.map(({ row, mark }) => [row, mark]));
    return {
      all: nMarks === 0 ? [] : known?.marks,
      of: (example) => shown.get(peakRow(example)),
      desk,
    };
  }, [found, nMarks, feature, desk]);
}
