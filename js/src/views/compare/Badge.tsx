import { LETTERS } from "./roles.js";

/** The letter of a feature, under the mark by which it is told on tokens. */
export function Badge({ place }: { place: number }) {
  const letter = LETTERS[place] ?? "";
  return <span class={`ss-letter ${markOf(place)}`}>{letter}</span>;
}

export function markOf(place: number): string {
  return `ss-over-${(LETTERS[place] ?? "A").toLowerCase()}`;
}
