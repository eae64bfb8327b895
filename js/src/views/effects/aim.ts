import { type Arg, tuple } from "../../data/call.js";
import type { Client } from "../../protocol/client.js";
import type { NextToken, NextTokens } from "../../protocol/generated.js";

/** A token of the vocabulary that a person chose. */
export interface ChosenToken {
  token: number;
  text: string;
}

/** The next token to look at, and the one to compare it with; without one, what the model expects. */
export interface Aim {
  target?: ChosenToken | undefined;
  contrast?: ChosenToken | undefined;
}

/** A text as a request gives it: token ids where these are exact, else the string. */
export interface GivenText {
  text: string;
  tokens?: readonly number[] | undefined;
}

/** The part of a request's parameters that says which text. */
export function textParams({ text, tokens }: GivenText): { text: string } | { tokens: number[] } {
  return tokens && tokens.length > 0 ? { tokens: [...tokens] } : { text };
}

/** An aim as the argument `target`; none where the text itself says what follows. */
export function aimArgs({ target, contrast }: Aim): { target?: Arg } {
  if (!target) return {};
  return { target: contrast ? tuple(target.token, contrast.token) : target.token };
}

/** One line of the list under the field. */
export interface Offer {
  token: NextToken;
  /** Why this token stands for what was typed, where that is several. */
  about: string;
}

/** What could follow, and what is typed. */
export async function askNext(
  client: Client,
  scope: string,
  text: GivenText,
  typed: string,
  signal: AbortSignal,
): Promise<NextTokens> {
  const params = { scope, ...textParams(text), ...(typed ? { typed } : {}) };
  const { data } = await client.request("effects.next", params, { signal, slot: "next" });
  return data;
}

/** What to offer for what is typed: it itself, then the likeliest tokens that hold it. */
export function offersOf({ likeliest, typed }: NextTokens, text: string): Offer[] {
  const own = typed.map(({ pieces, first, text: whole }) => ({
    token: first,
    about:
      pieces.length === 1
        ? ""
        : `the first of ${pieces.length} tokens of “${whole}”: ${pieces.map((p) => `“${p}”`).join(" + ")}`,
  }));
  own.sort(
    (a, b) => Number(a.about !== "") - Number(b.about !== "") || b.token.probability - a.token.probability,
  );
  const sought = text.trim().toLowerCase();
  const others = likeliest
    .filter((token) => token.text.toLowerCase().includes(sought))
    .map((token) => ({ token, about: "" }));
  const seen = new Set<number>();
  return [...own, ...others].filter(({ token }) => !seen.has(token.token) && seen.add(token.token));
}
