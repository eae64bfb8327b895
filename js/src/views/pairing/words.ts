import type { PairingInfo } from "../../protocol/generated.js";

type Shown = { shape: string; word: string; kind: string };

/** A verdict as a shape and words: never as a color alone. */
export const VERDICTS: Record<Exclude<PairingInfo["verdict"], "">, Shown> = {
  fits: { shape: "✓", word: "fits", kind: "fits" },
  unconfirmed: { shape: "◐", word: "fits, base model unconfirmed", kind: "unknown" },
  doubtful: { shape: "▲", word: "in doubt", kind: "doubtful" },
  wrong: { shape: "✕", word: "does not fit", kind: "wrong" },
  unknown: { shape: "◌", word: "not measured", kind: "unknown" },
};

/** What the badge shows now. */
export function shown(info: PairingInfo): Shown {
  if (info.state === "running") return { shape: "◌", word: "checking the pairing…", kind: "unknown" };
  if (info.verdict === "") return { shape: "◌", word: "pairing not checked", kind: "unknown" };
  const found = VERDICTS[info.verdict];
  return info.verdict === "fits"
    ? { ...found, word: "pairing fits" }
    : { ...found, word: `pairing ${info.headline}` };
}

/** A share of variance or loss, with one digit: `79.1 %`; far below zero it is said so. */
export function percent(x: number | null): string {
  if (x === null) return "–";
  if (x < -1) return "below −100\u2009%";
  return `${(100 * x).toFixed(1).replace("-", "−")}\u2009%`;
}

/** A difference of shares in points, with its sign and its standard error. */
export function points(gain: number, error: number | null): string {
  if (gain < -1) return "below −100";
  const text = `${gain < 0 ? "−" : "+"}${Math.abs(100 * gain).toFixed(1)}`;
  return error === null ? text : `${text} ± ${(100 * error).toFixed(1)}`;
}
