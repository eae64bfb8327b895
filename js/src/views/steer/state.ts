import { type Arg, type Call, nested, pairs } from "../../data/call.js";
import type { ContrastPrompts, SteerChange, SteerMessage, SteerParams } from "../../protocol/generated.js";

export type Kind = SteerChange["kind"];
export type Change = Required<SteerChange>;

/** How the text is drawn. */
export interface Drawing {
  max_new_tokens: number;
  temperature: number;
  top_p: number;
  seed: number;
  where: "all" | "answer";
}

/** What is asked of the model: all that a run depends on. */
export interface Plan {
  /** What is steered by: features, or the direction of a contrast. */
  by: "features" | "contrast";
  isChat: boolean;
  system: string;
  /** Earlier turns of the conversation, the user's and the assistant's by turns. */
  turns: string[];
  text: string;
  changes: Change[];
  /** What all strengths are multiplied by: one steered text each. */
  strengths: number[];
  /** Prompts, one a line. */
  positive: string;
  negative: string;
  at: "last" | "mean";
  coefficient: number;
  drawing: Drawing;
}

export type Ended = "" | "end" | "length" | "broken" | "stopped";

/** One text, as a panel's state keeps it. */
export interface Text {
  name: string;
  strength: number;
  text: string;
  /** Its first characters that are those of the unsteered text, token for token. */
  n_same: number;
  n_tokens: number;
  ended: Ended;
  logprob: number | null;
  kl: number | null;
}

/** A run that is over. */
export interface Run {
  plan: Plan;
  texts: Text[];
}

export interface SteerState extends Omit<Plan, "text"> {
  text: string;
  /** The last runs, the newest first. */
  runs: Run[];
  /** Which of them is shown. */
  shown: number;
}

export const MOST_STRENGTHS = 3;
export const MOST_RUNS = 6;

export const DRAWING: Drawing = { max_new_tokens: 60, temperature: 0, top_p: 1, seed: 0, where: "all" };

export const INITIAL: SteerState = {
  by: "features",
  isChat: false,
  system: "",
  turns: [],
  text: "",
  changes: [],
  strengths: [1],
  positive: "",
  negative: "",
  at: "last",
  coefficient: 1,
  drawing: DRAWING,
  runs: [],
  shown: 0,
};

export const KINDS: readonly { kind: Kind; title: string; meaning: string }[] = [
  { kind: "amplify", title: "add", meaning: "Adds so much activation on every token." },
  { kind: "clamp", title: "set to", meaning: "Sets the activation to a value on every token." },
  { kind: "scale", title: "times", meaning: "Multiplies the activation where the feature fires." },
  { kind: "zero", title: "zero", meaning: "Sets the activation to 0 where the feature fires." },
];

/** Whether a kind's strength is counted in the feature's maximum. */
export function hasUnit(kind: Kind): boolean {
  return kind === "amplify" || kind === "clamp";
}

/** The changes to make: those chosen, else the feature that is open. */
export function changesOf(changes: readonly Change[], feature: number | undefined): Change[] {
  if (changes.length > 0 || feature === undefined) return [...changes];
  return [{ feature, kind: "amplify", strength: 1 }];
}

/** What a run with this state would depend on. */
export function planOf(state: SteerState, text: string, feature: number | undefined): Plan {
  const { by, isChat, system, turns, strengths, positive, negative, at, coefficient, drawing } = state;
  const changes = changesOf(state.changes, feature);
  return {
    by,
    isChat,
    system,
    turns,
    text,
    changes,
    strengths,
    positive,
    negative,
    at,
    coefficient,
    drawing,
  };
}

/** Prompts from lines; those without text are none. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "");
}

export function contrastOf({ positive, negative, at, isChat }: Plan): ContrastPrompts {
  return { positive: linesOf(positive), negative: linesOf(negative), at, is_chat: isChat };
}

/** A conversation as its messages, up to what the user says last. */
export function messagesOf({ system, turns, text }: Plan): SteerMessage[] {
  const first = system.trim() === "" ? [] : [{ role: "system", content: system }];
  const said = [...turns, text].map((content, i) => ({ role: i % 2 ? "assistant" : "user", content }));
  return [...first, ...said];
}

export function paramsOf(plan: Plan, scope: string): SteerParams {
  const prompt = plan.isChat ? { messages: messagesOf(plan) } : { text: plan.text };
  const what =
    plan.by === "features"
      ? { changes: plan.changes }
      : { contrast: contrastOf(plan), coefficient: plan.coefficient };
  return { scope, ...prompt, ...what, strengths: plan.strengths, ...plan.drawing };
}

/** Why a run cannot begin, or nothing. */
export function lacking(plan: Plan): string {
  if (plan.text.trim() === "")
    return plan.isChat ? "Write what the user says." : "Write a text to go on from.";
  if (plan.by === "features")
    return plan.changes.length === 0 ? "Add a feature to steer: its number, or open one." : "";
  const { positive, negative } = contrastOf(plan);
  if (positive.length === 0 || negative.length === 0) return "Give at least one prompt of each kind.";
  return "";
}

/** The call that gives the same as a table. */
export function callOf(plan: Plan): Call {
  const { drawing: d, strengths, coefficient } = plan;
  const isDrawn = d.temperature !== 0;
  return {
    method: "steer",
    args: {
      prompt: plan.isChat ? messagesOf(plan).map((message) => ({ ...message })) : plan.text,
      ...(plan.by === "features" ? featureArgs(plan.changes) : { vector: vectorOf(plan) }),
      ...(plan.by === "contrast" && coefficient !== 1 ? { coefficient } : {}),
      ...(strengths.length !== 1 || strengths[0] !== 1 ? { strengths: [...strengths] } : {}),
      ...(d.max_new_tokens !== 60 ? { max_new_tokens: d.max_new_tokens } : {}),
      ...(isDrawn ? { temperature: d.temperature, seed: d.seed } : {}),
      ...(isDrawn && d.top_p !== 1 ? { top_p: d.top_p } : {}),
      ...(d.where !== "all" ? { where: "answer" } : {}),
    },
  };
}

function vectorOf(plan: Plan): Arg {
  const { positive, negative } = contrastOf(plan);
  return nested("scope.steering_vector", {
    positive,
    negative,
    ...(plan.at === "last" ? {} : { at: "mean" }),
    ...(plan.isChat ? { chat: true } : {}),
  });
}

function featureArgs(changes: readonly Change[]): Record<string, Arg> {
  const kind = changes[0]?.kind ?? "amplify";
  if (changes.some((c) => c.kind !== kind)) return { features: changes.map((c) => ({ ...c })) };
  const features =
    kind === "zero"
      ? changes.map((c) => c.feature)
      : pairs(changes.map((c) => [c.feature, c.strength] as const));
  return { features, ...(kind === "amplify" ? {} : { kind }) };
}
