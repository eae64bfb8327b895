const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const LETTER = /\p{L}/u;
const BYTES = /^ *‹[0-9A-F]{2}(?: [0-9A-F]{2})*›$/;

/** Whether a token's text is bytes that are no whole character, as `‹E2 80›`. */
export function isBytes(text: string): boolean {
  return BYTES.test(text);
}

/** Which way most letters of some tokens run; bytes that are no characters do not count. */
export function directionOf(texts: readonly string[]): "ltr" | "rtl" {
  let balance = 0;
  for (const text of texts) {
    if (isBytes(text)) continue;
    for (const char of text) {
      if (RTL.test(char)) balance--;
      else if (LETTER.test(char)) balance++;
    }
  }
  return balance < 0 ? "rtl" : "ltr";
}
