/** A value in a call: JSON, and `tuple`, `pairs` and `nested` besides. */
export type Arg = null | boolean | number | string | Arg[] | { [name: string]: Arg };

/** Arguments by name, in their order; one that is undefined is left out. */
export type Args = Record<string, Arg | undefined>;

/** A call of a method of the scope. */
export interface Call {
  method: string;
  args: Args;
}

/** The arguments that stand first, without their names; as in `saescope/notes/kept_calls.py`. */
const FIRST: Record<string, string[]> = {
  ablate: ["text", "features"],
  ablate_examples: ["feature"],
  activations: ["text"],
  attribute: ["text"],
  circuit: ["feature", "text"],
  compare: ["features"],
  contrast: ["feature"],
  effect_summary: ["examples"],
  examples: ["feature"],
  features_on: ["text"],
  lens: ["features"],
  map: ["method"],
  neighbors: ["feature"],
  prompt: ["text"],
  steer: ["prompt"],
  sweep: ["text", "feature"],
  top_features: ["text"],
};
const NESTED: Record<string, string[]> = {
  "scope.steering_vector": ["positive", "negative"],
  "saescope.Rule": [],
};
/** What a reader of a call could not see: control characters, and those that turn the direction of writing. */
const UNSEEN = /[\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** A Python tuple. */
export function tuple(...values: Arg[]): Arg {
  return { "()": values };
}

/** A Python mapping whose keys are no texts. */
export function pairs(entries: readonly (readonly [Arg, Arg])[]): Arg {
  return { "{}": entries.map(([key, value]) => [key, value]) };
}

/** A call as an argument of another. */
export function nested(name: "scope.steering_vector" | "saescope.Rule", args: Record<string, Arg>): Arg {
  return { [name]: args };
}

/** The call as Python text that runs where there is a `scope`. */
export function callText({ method, args }: Call): string {
  return written(`scope.${method}`, FIRST[method] ?? [], args);
}

const NAMES = /"(?:[^"\\]|\\.)*"|(?<![\w.])scope\b/g;

/** A call of `scope` as one of the variable that the scope has in the notebook; texts in it stay as they are. */
export function named(code: string, variable: string | undefined): string {
  return variable ? code.replace(NAMES, (found) => (found === "scope" ? variable : found)) : code;
}

/** Calls as Python text, one a line. */
export function callsText(calls: readonly Call[]): string {
  return calls.map(callText).join("\n");
}

/** What a panel shows as calls, and the text that is made of them. */
export function called<P extends unknown[]>(calls: (...given: P) => Call[]) {
  return { calls, code: (...given: P) => callsText(calls(...given)) };
}

function written(name: string, first: readonly string[], args: Args): string {
  const n = first.findIndex((one) => args[one] === undefined);
  const unnamed = n < 0 ? first : first.slice(0, n);
  const rest = Object.entries(args).filter(([key, value]) => value !== undefined && !unnamed.includes(key));
  const told = [
    ...unnamed.map((key) => literal(args[key] ?? null)),
    ...rest.map(([key, value]) => `${key}=${literal(value ?? null)}`),
  ];
  return `${name}(${told.join(", ")})`;
}

/** A value as a Python expression. */
export function literal(value: Arg): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return numeral(value);
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  return tagged(value) ?? mapping(Object.entries(value));
}

function tagged(value: Record<string, Arg>): string | undefined {
  const entries = Object.entries(value);
  const [name, of] = entries[0] ?? [];
  if (entries.length !== 1 || name === undefined || typeof of !== "object" || of === null) return undefined;
  if (name === "()" && Array.isArray(of))
    return `(${of.map(literal).join(", ")}${of.length === 1 ? "," : ""})`;
  if (name === "{}" && Array.isArray(of)) return mapping(of as [Arg, Arg][]);
  if (name in NESTED && !Array.isArray(of)) return written(name, NESTED[name] ?? [], of);
  return undefined;
}

function mapping(entries: readonly (readonly [Arg, Arg])[]): string {
  return `{${entries.map(([key, value]) => `${literal(key)}: ${literal(value)}`).join(", ")}}`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A number as Python writes it. */
function numeral(value: number): string {
  if (Number.isNaN(value)) return 'float("nan")';
  if (!Number.isFinite(value)) return value > 0 ? 'float("inf")' : 'float("-inf")';
  const size = Math.abs(value);
  if (size === 0 || Number.isInteger(value) ? size < 1e21 : size >= 1e-4) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
