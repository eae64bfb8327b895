import { count, number } from "../../data/format.js";
import type { Health, HealthFigure } from "../../protocol/generated.js";

export type Grade = HealthFigure["grade"];

/** A grade as a word and a shape: never as a color alone. */
export const GRADES: Record<Grade, { word: string; shape: string }> = {
  good: { word: "good", shape: "●" },
  fair: { word: "fair", shape: "◐" },
  poor: { word: "poor", shape: "○" },
  "": { word: "not measured", shape: "◌" },
};

/** What figures are called, in their order on the page. */
export const NAMES: Record<string, string> = {
  recovered: "Loss recovered",
  explained_variance: "Explained variance",
  l0: "L0",
  alive: "Alive",
  dense: "Dense",
  single_token: "Single-token",
  recovered_mean: "Loss recovered, against the mean",
  loss_clean: "Loss as it is",
  loss_spliced: "Loss, reconstructed",
  loss_mean: "Loss, site at its mean",
  loss_zero: "Loss, site at zero",
  median_norm: "Median norm",
};

const SHARES = new Set([
  "recovered",
  "recovered_mean",
  "explained_variance",
  "alive",
  "dense",
  "single_token",
]);
const THIN = "\u2009";

/** A share as per cent with three digits: `98.4 %`, `0.37 %`, `−12.0 %`. */
export function share(x: number): string {
  if (x === 0) return `0${THIN}%`;
  const percent = 100 * x;
  const digits = Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(percent)))));
  return `${percent.toFixed(Math.abs(percent) >= 10 ? 1 : digits).replace("-", "−")}${THIN}%`;
}

export function valueText({ name, value }: Pick<HealthFigure, "name" | "value">): string {
  if (value === null) return "–";
  return SHARES.has(name) ? share(value) : number(value);
}

export function errorText({ name, error }: Pick<HealthFigure, "name" | "error">): string {
  if (error === null) return "";
  const size = SHARES.has(name) ? 100 * error : error;
  return `± ${size < 1e-4 ? number(size) : Number(size.toPrecision(2))}`;
}

/** What a figure rests on. */
export function restsOn({ name, n, source }: HealthFigure): string {
  if (name === "alive" || name === "dense") return `of ${count(n)} features`;
  if (name === "single_token") return `of ${count(n)} that fire`;
  if (n === 0) return "";
  return `${source === "measured" ? "measured " : ""}on ${count(n)} tokens`;
}

/** From where on a figure is good, and fair. */
export function thresholds({ good, fair, name }: HealthFigure): string {
  if (good === null || fair === null) return "";
  const [from, to] = name === "dense" ? ["up to", "up to"] : ["from", "from"];
  return `good ${from} ${share(good)}, fair ${to} ${share(fair)}`;
}

/** The figure of a name that is to be believed. */
export function best(health: Pick<Health, "best">, name: string): HealthFigure | undefined {
  return health.best.find((figure) => figure.name === name);
}

/** What the grade of the whole says, in a sentence. */
export function verdict(health: Pick<Health, "best">): string {
  const [recovered, variance] = [best(health, "recovered")?.value, best(health, "explained_variance")?.value];
  const parts = [
    recovered == null ? "" : `${share(recovered)} of the model's loss`,
    variance == null ? "" : `${share(variance)} of the variance`,
  ].filter(Boolean);
  if (parts.length === 0) return "How much the reconstruction keeps has not been measured.";
  return `The reconstruction keeps ${parts.join(" and ")}.`;
}
