import type { Steered, Steering } from "../../protocol/generated.js";
import type { Ended, Plan, Text } from "./state.js";

interface Growing {
  name: string;
  tokens: number[];
  texts: string[];
  ended: Ended;
}

/** The texts of a run while they are written. */
export class Live {
  readonly plan: Plan;
  #rows: Growing[];
  last: Steering | undefined;

  constructor(plan: Plan) {
    this.plan = plan;
    this.#rows = [0, ...plan.strengths].map((_, i) => ({
      name: i === 0 ? "unsteered" : nameOf(plan, plan.strengths[i - 1] ?? 1),
      tokens: [],
      texts: [],
      ended: "",
    }));
  }

  take(event: Steering): void {
    this.last = event;
    for (const { row, tokens, texts, ended } of event.rows) {
      const own = this.#rows[row];
      if (!own) continue;
      own.tokens.push(...tokens);
      own.texts.push(...texts);
      own.ended = ended;
    }
  }

  /** Whether there is a token of any text. */
  get hasBegun(): boolean {
    return this.#rows.some(({ tokens }) => tokens.length > 0);
  }

  /** What is written so far; `ended` is told of those that go on. */
  texts(ended: Ended = ""): Text[] {
    const [plain] = this.#rows;
    return this.#rows.map((row, i) => ({
      name: row.name,
      strength: i === 0 ? 0 : (this.plan.strengths[i - 1] ?? 1),
      text: row.texts.join(""),
      n_same: plain ? sameLength(plain, row) : 0,
      n_tokens: row.tokens.length,
      ended: row.ended || ended,
      logprob: null,
      kl: null,
    }));
  }
}

/** The texts of an answer. */
export function textsOf({ rows }: Steered): Text[] {
  const [plain] = rows;
  return rows.map((row) => ({
    name: row.name,
    strength: row.strength,
    text: row.texts.join(""),
    n_same: plain ? sameLength(plain, row) : 0,
    n_tokens: row.tokens.length,
    ended: row.ended,
    logprob: row.logprob,
    kl: row.kl,
  }));
}

/** How many characters of a text lie before the first token that is another than the unsteered text's. */
function sameLength(
  plain: { tokens: readonly number[] },
  { tokens, texts }: { tokens: readonly number[]; texts: readonly string[] },
): number {
  const other = tokens.findIndex((token, i) => token !== plain.tokens[i]);
  const at = other < 0 ? tokens.length : other;
  return texts.slice(0, at).join("").length;
}

/** What a text is steered by, in a few signs: `2113 +2`, `107 = 0`. */
export function nameOf(plan: Plan, factor: number): string {
  if (plan.by === "contrast") return `vector ×${sign(short(plan.coefficient * factor))}`;
  return plan.changes
    .map(({ feature, kind, strength }) => {
      const text = sign(short(strength * factor));
      if (kind === "zero") return `${feature} = 0`;
      if (kind === "clamp") return `${feature} = ${text}`;
      if (kind === "scale") return `${feature} ×${text}`;
      return `${feature} ${strength * factor < 0 ? "" : "+"}${text}`;
    })
    .join(" · ");
}

function short(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function sign(text: string): string {
  return text.replace("-", "−");
}
