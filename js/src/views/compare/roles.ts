/** What another feature does where one fires. */
export type Role = "silent" | "fires" | "either";

export const MOST = 4;
export const LETTERS = ["A", "B", "C", "D"] as const;

/** What a person did in the comparison. */
export interface CompareState {
  /** Chosen here; empty to follow those picked, or the selected one. */
  features: number[];
  /** The feature whose examples are shown; the first where it is none of them. */
  one: number | null;
  /** What the others do there, by number; silent where nothing is said. */
  roles: Record<string, Role>;
  within: number;
  context: number;
}

/** The features to show: those chosen here, else those picked, else the selected one. */
export function chosenFeatures(
  state: CompareState,
  picked: readonly number[],
  selected: number | undefined,
  n_features: number,
): number[] {
  const wanted =
    state.features.length > 0
      ? state.features
      : picked.length > 1
        ? picked
        : selected === undefined
          ? []
          : [selected];
  return [...new Set(wanted)].filter((f) => f >= 0 && f < n_features).slice(0, MOST);
}

export interface Contrasted {
  feature: number;
  without: number[];
  also: number[];
}

/** The question for examples that a state asks; nothing where no other feature matters. */
export function contrastOf(state: CompareState, features: readonly number[]): Contrasted | undefined {
  const [first] = features;
  const feature = state.one !== null && features.includes(state.one) ? state.one : first;
  if (feature === undefined) return undefined;
  const others = features.filter((f) => f !== feature);
  const without = others.filter((f) => roleOf(state, f) === "silent");
  const also = others.filter((f) => roleOf(state, f) === "fires");
  return { feature, without, also };
}

export function roleOf({ roles }: CompareState, feature: number): Role {
  return roles[String(feature)] ?? "silent";
}

/** The roles that look at one other feature only. */
export function onlyRole(features: readonly number[], other: number, role: Role): Record<string, Role> {
  return Object.fromEntries(features.map((f) => [String(f), f === other ? role : "either"]));
}
