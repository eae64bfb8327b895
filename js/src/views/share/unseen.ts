/** What a reader could not see, or what turns the direction of reading. */
const UNSEEN = /(?![\n\t])\p{Cc}|[\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A text as it is, with what cannot be seen of it named: `the ‹U+202E›bridge`. */
export function visible(text: string): string {
  const named = (c: string) => `‹U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`;
  return text.replace(UNSEEN, named);
}
