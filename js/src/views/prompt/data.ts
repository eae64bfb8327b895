import type { AttributionInfo, PromptRead } from "../../protocol/generated.js";
import type { Aim } from "../effects/aim.js";

const NOTHING = new ArrayBuffer(0);

/** A text, and the token after it that is asked about. */
export interface Wanted {
  text: string;
  aim: Aim;
}

/** What tells one question from another. */
export function keyOf({ text, aim }: Wanted): string {
  return JSON.stringify([text, aim.target?.token ?? null, aim.contrast?.token ?? null]);
}

/** A text that was run: every pair of a position and a feature that fires there, and the figures had so far. */
export class PromptData {
  readonly key: string;
  readonly data: PromptRead;
  /** Of each pair, sorted by position and then by feature. */
  readonly pos: Uint32Array;
  readonly features: Uint32Array;
  readonly activations: Float32Array;
  /** Each method's figure of each pair; positive raises the target. */
  readonly figures = new Map<string, Float32Array>();
  readonly facts = new Map<string, Record<string, number>>();
  readonly #exact = new Map<string, number>();

  constructor(key: string, data: PromptRead, buffers: DataView[]) {
    const [pos, features, activations, direct] = buffers.map(aligned);
    this.key = key;
    this.data = data;
    this.pos = new Uint32Array(pos ?? NOTHING);
    this.features = new Uint32Array(features ?? NOTHING);
    this.activations = new Float32Array(activations ?? NOTHING);
    this.figures.set("activation", this.activations);
    this.figures.set("direct", new Float32Array(direct ?? NOTHING));
  }

  get nPairs(): number {
    return this.pos.length;
  }

  get nTokens(): number {
    return this.data.tokens.length;
  }

  method(name: string): AttributionInfo | undefined {
    return this.data.methods.find((method) => method.name === name);
  }

  /** What is lost with a feature at a position, or at all that count. */
  exact(feature: number, at: number | undefined): number | undefined {
    return this.#exact.get(`${feature}@${at ?? ""}`);
  }

  setExact(feature: number, at: number | undefined, value: number): void {
    this.#exact.set(`${feature}@${at ?? ""}`, value);
  }

  /** A method's figures added up over each token; of activations the largest. */
  perToken(method: string): (number | null)[] {
    const figures = this.figures.get(method);
    const found: (number | null)[] = this.data.counted.map((counts) => (counts && figures ? 0 : null));
    if (!figures) return found;
    for (let i = 0; i < figures.length; i++) {
      const [at, value] = [this.pos[i] ?? 0, figures[i] ?? 0];
      const before = found[at] ?? 0;
      found[at] = method === "activation" ? larger(before, value) : before + value;
    }
    return found;
  }

  /** The pairs of a position with the largest figures, by size. */
  leading(at: number, method: string, n: number): [feature: number, figure: number][] {
    const figures = this.figures.get(method);
    if (!figures) return [];
    const pairs: [number, number][] = [];
    for (let i = 0; i < figures.length; i++)
      if (this.pos[i] === at) pairs.push([this.features[i] ?? 0, figures[i] ?? 0]);
    return pairs.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, n);
  }
}

export function larger(a: number, b: number): number {
  return Math.abs(b) > Math.abs(a) ? b : a;
}

/** A view's bytes where an array of numbers may begin. */
export function aligned({ buffer, byteOffset, byteLength }: DataView): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
