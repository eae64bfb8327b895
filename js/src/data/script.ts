const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const LETTER = /\p{L}/u;
const BYTES = /^ *‹[0-9A-F]{2}(?: [0-9A-F]{2})*›$/;

/** Whether a token's text is bytes that are no whole character, as `‹E2 80›`. */
export function isBytes(text: string): boolean {
  return BYTES.test(text);
}

const SEGMENT = /‹([0-9A-F]{2}(?: [0-9A-F]{2})*)›|[^‹]+|‹/g;

interface Unit {
  token: number;
  text: string;
  /** A byte of a character that is cut; -1 for text. */
  byte: number;
}

/**
 * Texts of tokens that follow on each other, with characters that are cut put together: each stands
 * at the token that completes it, and tokens with nothing but its other bytes are empty.
 */
export function joined(texts: readonly string[]): string[] {
  if (!texts.some((text) => text.includes("‹"))) return [...texts];
  const units = texts.flatMap(unitsOf);
  const found = texts.map(() => "");
  const add = (token: number, text: string) => {
    found[token] += text;
  };
  let at = 0;
  while (at < units.length) {
    const unit = units[at] as Unit;
    const n = unit.byte < 0 ? 1 : lengthOf(unit.byte);
    const run = units.slice(at, at + n);
    const char = unit.byte >= 0 && run.length === n ? decoded(run.map((u) => u.byte)) : undefined;
    if (char !== undefined) {
      add((run.at(-1) as Unit).token, char);
      at += n;
      continue;
    }
    add(unit.token, unit.byte < 0 ? unit.text : `‹${hex(unit.byte)}›`);
    at++;
  }
  return found.map((text) => text.replaceAll("›‹", " "));
}

/** Texts of tokens as running text, without bytes that are no characters. */
export function plain(texts: readonly string[]): string {
  return joined(texts)
    .map((text) => text.replace(/‹[0-9A-F]{2}(?: [0-9A-F]{2})*›/g, ""))
    .join("");
}

function unitsOf(text: string, token: number): Unit[] {
  return [...text.matchAll(SEGMENT)].flatMap(([whole, bytes]) =>
    bytes === undefined
      ? [{ token, text: whole, byte: -1 }]
      : bytes.split(" ").map((byte) => ({ token, text: "", byte: Number.parseInt(byte, 16) })),
  );
}

function lengthOf(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc2 ? 2 : 1;
}

function decoded(bytes: number[]): string | undefined {
  if (bytes.length < 2 || bytes.some((byte) => byte < 0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
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
