import type { Example, ExampleGroup, FeaturePage } from "../../protocol/generated.js";
import type { Shown } from "./useFeature.js";

/** As the SAE gives activations, or times the length of the feature's decoder row. */
export type Units = "sae" | "folded";

/** What a feature's activations are multiplied by; 1 where that is not known. */
export function factorOf(page: FeaturePage, units: Units): number {
  return units === "folded" ? (page.weights.decoder_norm ?? 1) : 1;
}

/** A page and its examples with activations times a factor; logits per unit of activation are divided by it. */
export function scaled(shown: Shown, factor: number): Shown {
  if (factor === 1) return shown;
  return {
    ...shown,
    page: scaledPage(shown.page, factor),
    examples: shown.examples.map((example) => scaledExample(example, factor)),
    groups: shown.groups.map((group) => scaledGroup(group, factor)),
  };
}

function scaledPage(page: FeaturePage, factor: number): FeaturePage {
  const by = (value: number | null) => (value === null ? null : value * factor);
  const lens = (tokens: FeaturePage["promoted"]) =>
    tokens.map((token) => ({ ...token, weight: token.weight / factor }));
  const { weights, histogram } = page;
  return {
    ...page,
    max: page.max * factor,
    mean: by(page.mean),
    std: by(page.std),
    median: by(page.median),
    histogram: { ...histogram, high: histogram.high * factor },
    promoted: lens(page.promoted),
    suppressed: lens(page.suppressed),
    weights: { ...weights, encoder_bias: by(weights.encoder_bias), threshold: by(weights.threshold) },
  };
}

function scaledExample(example: Example, factor: number): Example {
  return {
    ...example,
    activation: example.activation * factor,
    activations: example.activations.map((value) => value * factor),
  };
}

function scaledGroup(group: ExampleGroup, factor: number): ExampleGroup {
  return { ...group, low: group.low * factor, high: group.high * factor };
}
