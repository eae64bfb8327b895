import { count, density, number } from "../../data/format.js";
import type { Client } from "../../protocol/client.js";
import type { FeatureBrief } from "../../protocol/generated.js";
import { readable } from "../shell/FeatureName.js";

const MOST = 5000;
const A_REQUEST = 200;

/** Features in brief, fetched once each. */
export class Briefs {
  readonly #client: Client;
  readonly #scope: string;
  #known = new Map<number, FeatureBrief>();

  constructor(client: Client, scope: string) {
    this.#client = client;
    this.#scope = scope;
  }

  get(feature: number): FeatureBrief | undefined {
    return this.#known.get(feature);
  }

  /** Fetch those of some features that are missing; a newer request in the slot takes its place. */
  async fetch(features: readonly number[], slot: string): Promise<boolean> {
    const missing = features.filter((f) => !this.#known.has(f)).slice(0, A_REQUEST);
    if (!missing.length) return true;
    try {
      const params = { scope: this.#scope, features: missing };
      const { data } = await this.#client.request("features.brief", params, { slot });
      if (this.#known.size > MOST) this.#known.clear();
      for (const brief of data.briefs) this.#known.set(brief.feature, brief);
      return true;
    } catch {
      return false; // names that cannot be read are left out: the next move asks again
    }
  }

  forget(): void {
    this.#known = new Map();
  }
}

/** A feature in a few words: its label, or its top tokens. */
export function wordsOf({ label, top_tokens }: FeatureBrief, n = 3): string {
  return label || different(top_tokens).slice(0, n).join(" · ");
}

/** Tokens as they read, each once, whatever its case and the spaces around it. */
function different(tokens: readonly string[]): string[] {
  const texts = tokens.map(readable);
  const folded = texts.map((t) => t.toLowerCase());
  return texts.filter((_, i) => folded.indexOf(folded[i] as string) === i);
}

/** What the tooltip of a feature says. */
export function linesOf(brief: FeatureBrief): [string, string][] {
  const tokens = different(brief.top_tokens).join(" · ");
  if (brief.is_known === false) return [["fires", "not known"]];
  if (!brief.n_fires) return [["fires", "never"]];
  return [
    ...(tokens ? [["tokens", tokens] as [string, string]] : []),
    ["fires", `${density(brief.density)} (${count(brief.n_fires)} tokens)`],
    ["max", number(brief.max)],
  ];
}
