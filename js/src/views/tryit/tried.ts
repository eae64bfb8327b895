import type { FeatureBrief, TextRead } from "../../protocol/generated.js";

/** From this density on a feature is dense. */
export const DENSE = 0.1;

const NOTHING = new ArrayBuffer(0);

/** A text that was read, with every nonzero activation on it: what the view answers from without asking. */
export class Tried {
  readonly text: string;
  readonly data: TextRead;
  /** Of each nonzero, sorted by position and then by feature. */
  readonly pos: Uint32Array;
  readonly features: Uint32Array;
  readonly values: Float32Array;
  /** The features that fire, rising; and where in them each nonzero's is. */
  readonly unique: Uint32Array;
  readonly which: Uint32Array;
  readonly briefs: ReadonlyMap<number, FeatureBrief>;
  readonly #maxima: Float32Array | undefined;
  readonly #nFires: Float64Array | undefined;
  readonly #places: ReadonlyMap<number, number>;

  constructor(text: string, data: TextRead, buffers: DataView[]) {
    const [pos, features, values, unique, maxima, nFires] = buffers.map(aligned);
    this.text = text;
    this.data = data;
    this.pos = new Uint32Array(pos ?? NOTHING);
    this.features = new Uint32Array(features ?? NOTHING);
    this.values = new Float32Array(values ?? NOTHING);
    this.unique = new Uint32Array(unique ?? NOTHING);
    this.#maxima = maxima && new Float32Array(maxima);
    this.#nFires = nFires && new Float64Array(nFires);
    this.#places = new Map(Array.from(this.unique, (feature, i) => [feature, i]));
    this.which = this.features.map((feature) => this.#places.get(feature) ?? 0);
    this.briefs = new Map(data.briefs.map((brief) => [brief.feature, brief]));
  }

  get nTokens(): number {
    return this.data.tokens.length;
  }

  get nCounted(): number {
    return this.data.reasons.filter((reason) => reason === "").length;
  }

  /** Whether there is an index to compare with. */
  get hasIndex(): boolean {
    return this.#nFires !== undefined;
  }

  counts(pos: number): boolean {
    return this.data.reasons[pos] === "";
  }

  /** The largest activation of a feature in the index, by its place in `unique`. */
  maximum(place: number): number | undefined {
    return this.#maxima?.[place];
  }

  /** In how many tokens of the index a feature fires, by its place in `unique`. */
  nFires(place: number): number | undefined {
    return this.#nFires?.[place];
  }

  density(place: number): number | undefined {
    const n = this.nFires(place);
    return n === undefined ? undefined : n / Math.max(1, this.data.n_counted);
  }

  isDense(place: number): boolean {
    return (this.density(place) ?? 0) > DENSE;
  }

  /** One feature on this text. */
  shading(feature: number | undefined): Shading {
    const found: Shading = {
      activations: new Float32Array(this.nTokens),
      max: 0,
      peak: undefined,
      n_tokens: 0,
      ceiling: 0,
    };
    const place = feature === undefined ? undefined : this.#places.get(feature);
    if (place === undefined) return found;
    for (let i = 0; i < this.which.length; i++) {
      if (this.which[i] !== place) continue;
      const [at, value] = [this.pos[i] ?? 0, this.values[i] ?? 0];
      found.activations[at] = value;
      if (!this.counts(at) || Number.isNaN(value)) continue;
      found.n_tokens++;
      if (Math.abs(value) > found.max) {
        found.max = Math.abs(value);
        found.peak = at;
      }
    }
    found.ceiling = Math.max(found.max, this.maximum(place) ?? 0);
    return found;
  }
}

/** How one feature fires on a text: its strongest and its number of tokens among those that count. */
export interface Shading {
  activations: Float32Array;
  max: number;
  peak: number | undefined;
  n_tokens: number;
  /** The strongest shade: its largest activation here or in the index. */
  ceiling: number;
}

function aligned({ buffer, byteOffset, byteLength }: DataView): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
