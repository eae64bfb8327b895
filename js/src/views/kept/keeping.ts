import type { Arg, Call } from "../../data/call.js";
import { callsText } from "../../data/call.js";
import type { ScopeInfo } from "../../protocol/generated.js";

/** Methods that read the index or the SAE, and run no model. */
const WITHOUT_MODEL = new Set(["neighbors", "compare", "contrast", "examples", "features_on"]);
const FEATURE_ARGS = ["feature", "features", "examples"];
/** What a panel's state holds that is no setting. */
const NO_SETTING = new Set(["runs", "shown", "locked", "feature"]);

/** Why calls cannot be kept now; nothing where they can. */
export function whyNot(
  calls: readonly Call[] | undefined,
  info: ScopeInfo,
  line: { isReadOnly: boolean; isClosed: boolean },
): string {
  if (line.isReadOnly) return "A snapshot keeps nothing: run the cell to go live.";
  if (line.isClosed) return "The kernel is gone: run the cell again.";
  if (!calls || calls.length === 0) return "There is nothing to keep yet.";
  if (calls.some(isEmpty)) return "There is no text yet: write one.";
  if (!info.has_model && calls.some(({ method }) => !WITHOUT_MODEL.has(method)))
    return "It runs the model, and none is loaded: saescope.load(model, sae=…, index=…).";
  return "";
}

function isEmpty({ args }: Call): boolean {
  return [args["text"], args["prompt"]].some(
    (text) => text === "" || (Array.isArray(text) && (text.length === 0 || text.includes(""))),
  );
}

/** The feature that a result is about; none for a prompt. */
export function aboutOf({ args }: Call, selected: number | undefined): number | undefined {
  const named = FEATURE_ARGS.flatMap((name) => numbersOf(args[name]));
  return selected !== undefined && named.includes(selected) ? selected : named[0];
}

function numbersOf(value: Arg | undefined): number[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap((one) => numbersOf(one));
  if (typeof value !== "object" || value === null) return [];
  const entries = value["{}"];
  if (Array.isArray(entries))
    return entries.flatMap((pair) => (Array.isArray(pair) ? numbersOf(pair[0]) : []));
  return typeof value["feature"] === "number" ? [value["feature"]] : [];
}

/** A panel's settings, to open it with later. */
export function settingsOf(state: object, text: string): Record<string, unknown> {
  const kept = Object.entries(state).filter(([name]) => !NO_SETTING.has(name));
  const own = Object.fromEntries(kept);
  return "text" in own ? { ...own, text: text || own["text"] } : own;
}

/** Settings that a panel was kept with, as far as they are its own kind still. */
export function settingsFor(initial: object, kept: unknown): Record<string, unknown> {
  if (typeof kept !== "object" || kept === null) return {};
  const known = Object.entries(initial);
  const given = kept as Record<string, unknown>;
  const fits = ([name, value]: [string, unknown]) =>
    name in given &&
    !NO_SETTING.has(name) &&
    (value === null ||
      given[name] === null ||
      (typeof given[name] === typeof value && Array.isArray(given[name]) === Array.isArray(value)));
  return Object.fromEntries(known.filter(fits).map(([name]) => [name, given[name]]));
}

/** What tells calls from others. */
export function keyOf(calls: readonly Call[]): string {
  return callsText(calls);
}
