import type { EffectControl, EffectRead, TokenName } from "../../protocol/generated.js";
import type { MovedToken } from "./Moved.js";

const NOTHING = new ArrayBuffer(0);

/** What a change did, read from an answer and its buffers. */
export class EffectData {
  readonly data: EffectRead;
  readonly #ids: Uint32Array;
  readonly #before: Float32Array;
  readonly #after: Float32Array;
  readonly #names: ReadonlyMap<number, TokenName>;

  constructor(data: EffectRead, buffers: readonly DataView[]) {
    const [ids, before, after] = buffers.map(
      ({ buffer, byteOffset, byteLength }) =>
        buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
    );
    this.data = data;
    this.#ids = new Uint32Array(ids ?? NOTHING);
    this.#before = new Float32Array(before ?? NOTHING);
    this.#after = new Float32Array(after ?? NOTHING);
    this.#names = new Map(data.names.map((name) => [name.token, name]));
  }

  get nTokens(): number {
    return this.data.tokens.length;
  }

  get last(): number {
    return this.nTokens - 1;
  }

  /** Whether anything was changed. */
  get isChanged(): boolean {
    return this.data.at.length > 0;
  }

  /** Where the feature is strongest among the tokens that count; nothing where it does not fire. */
  get strongest(): number | undefined {
    let found: number | undefined;
    for (const [pos, value] of this.data.activations.entries())
      if (this.data.counted[pos] && Math.abs(value) > Math.abs(this.data.activations[found ?? -1] ?? 0))
        found = pos;
    return found;
  }

  /** The position after which most changes. */
  get busiest(): number {
    const { kl, start } = this.data;
    let at = 0;
    for (const [i, value] of kl.entries()) if (value > (kl[at] ?? 0)) at = i;
    return this.isChanged ? start + at : this.last;
  }

  /** Log-probabilities of the next token, before and after; the same before the first change. */
  logprobs(pos: number): [before: number, after: number] | undefined {
    const i = pos - this.data.start;
    const [before, after] = [this.data.before[i], this.data.after[i]];
    return before === undefined || after === undefined ? undefined : [before, after];
  }

  /** The change of the next token's log-probability after a position, in nats. */
  delta(pos: number): number {
    const [before, after] = this.logprobs(pos) ?? [0, 0];
    return after - before;
  }

  kl(pos: number): number {
    return this.data.kl[pos - this.data.start] ?? 0;
  }

  contrast(pos: number): number | undefined {
    return this.data.contrast?.[pos - this.data.start];
  }

  /** The token whose probability is looked at after a position. */
  target(pos: number): TokenName | undefined {
    const { start, targets, tokens, texts, raws } = this.data;
    if (pos >= start) return this.#names.get(targets[pos - start] ?? -1);
    const token = tokens[pos + 1];
    return token === undefined ? undefined : { token, text: texts[pos + 1] ?? "", raw: raws[pos + 1] ?? "" };
  }

  /** The tokens that moved most after a position. */
  moved(pos: number): { raised: MovedToken[]; lowered: MovedToken[] } {
    const k = this.data.n_moved;
    const from = (pos - this.data.start) * 2 * k;
    const side = (low: number) =>
      from < 0
        ? []
        : Array.from({ length: k }, (_, i) => this.#movedAt(from + low + i)).filter((t) => t !== undefined);
    return { raised: side(0), lowered: side(k) };
  }

  #movedAt(i: number): MovedToken | undefined {
    const [token, before, after] = [this.#ids[i], this.#before[i], this.#after[i]];
    const name = token === undefined ? undefined : this.#names.get(token);
    return name && before !== undefined && after !== undefined ? { ...name, before, after } : undefined;
  }
}

/** The mean over controls at a position; nothing without, 0 before the change. */
export function controlAt(
  control: EffectControl | undefined,
  pos: number,
): { delta: number; kl: number } | undefined {
  if (!control || control.kl.length === 0) return undefined;
  const mean = (rows: readonly number[][]) =>
    rows.reduce((sum, row) => sum + (row[pos - control.start] ?? 0), 0) / rows.length;
  return { delta: mean(control.delta_logprob), kl: mean(control.kl) };
}
