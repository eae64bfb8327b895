import { useEffect, useState } from "preact/hooks";
import { count, duration, number } from "../../data/format.js";
import type { AttributionInfo } from "../../protocol/generated.js";
import type { PromptData } from "./data.js";
import type { PromptReader, Work } from "./reader.js";

const ORDER = ["activation", "direct", "gradient", "integrated", "exact"];
const TELL_AFTER_MS = 1000;
const TELL_EVERY_MS = 500;

interface Props {
  methods: readonly AttributionInfo[];
  by: string;
  setBy: (by: string) => void;
}

/** What to rank by: a method, each saying what it is. */
export function RankChoice({ methods, by, setBy }: Props) {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  const sorted = [...methods].sort((a, b) => place(a.name) - place(b.name));
  return (
    <div class="ss-try-choice" role="group" aria-label="Rank by">
      {sorted.map((method) => (
        <button
          key={method.name}
          type="button"
          aria-pressed={method.name === by}
          title={`${method.meaning} Baseline: ${method.baseline}. ${kindOf(method)}${method.source ? ` Source: ${method.source}.` : ""}`}
          onClick={() => setBy(method.name)}
        >
          {method.title}
        </button>
      ))}
    </div>
  );
}

function kindOf({ is_exact, unit }: AttributionInfo): string {
  if (is_exact) return "Exact: the model is run again.";
  return unit === "activation" ? "Not an effect." : "An estimate.";
}

/** What is being computed, how far it is, and a stop; or what stopped it. */
export function WorkBar({ readers }: { readers: readonly PromptReader[] }) {
  const [now, setNow] = useState(performance.now());
  const works = readers.flatMap((reader) => [...reader.work.values()]);
  const isWorking = works.length > 0;
  useEffect(() => {
    if (!isWorking) return;
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), TELL_EVERY_MS);
    return () => clearInterval(timer);
  }, [isWorking]);
  const failed = readers.find((reader) => reader.problem);
  if (failed?.problem)
    return (
      <div class="ss-prompt-work" role="alert">
        <span>{failed.problem.message}</span>
        <button type="button" class="ss-button" onClick={() => failed.resume()}>
          Retry
        </button>
      </div>
    );
  if (!isWorking && readers.some((reader) => reader.isHalted))
    return (
      <div class="ss-prompt-work" role="status">
        <span class="ss-quiet">Stopped: what is not exact is an estimate.</span>
        <button type="button" class="ss-button" onClick={() => each(readers, "resume")}>
          Go on
        </button>
      </div>
    );
  const late = works.filter((work) => now - work.since_ms > TELL_AFTER_MS);
  if (late.length === 0) return null;
  const total = late.reduce((sum, work) => sum + work.total, 0);
  const done = late.reduce((sum, work) => sum + work.done, 0);
  return (
    <div class="ss-prompt-work">
      <span class="ss-prompt-working">{late.map((work) => said(work, now)).join(" · ")}</span>
      <button type="button" class="ss-button ss-stop" onClick={() => each(readers, "halt")}>
        Stop
      </button>
      <div
        class={total > 0 ? "ss-progress" : "ss-progress ss-unknown"}
        role="progressbar"
        aria-label="Computing attributions"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={total > 0 ? Math.round((100 * done) / total) : undefined}
      >
        <div style={total > 0 ? { width: `${(100 * done) / total}%` } : undefined} />
      </div>
    </div>
  );
}

function each(readers: readonly PromptReader[], what: "halt" | "resume"): void {
  for (const reader of readers) reader[what]();
}

function said({ method, done, total, facts, since_ms }: Work, now_ms: number): string {
  if (method === "exact") {
    const left_s = done > 0 ? ((now_ms - since_ms) / 1000 / done) * (total - done) : Number.NaN;
    return `exact ${count(done)} of ${count(total)}${done > 0 ? `, ${duration(left_s)} left` : ""}`;
  }
  const { effect, error } = facts;
  if (effect === undefined || error === undefined)
    return total > 0 ? `${method}: ${count(done)} runs` : method;
  return `${method}: ${count(done)} runs, adds up to within ${share(error, effect)}`;
}

/** How well integrated gradients add up, in a sentence. */
export function completeness(prompt: PromptData): string {
  const facts = prompt.facts.get("integrated");
  if (!facts) return "";
  const { n_steps = 0, effect = 0, error = 0 } = facts;
  return `adds up to ${number(effect + error)}; all these features off: ${number(effect)} (${share(error, effect)} apart, ${count(n_steps)} runs)`;
}

function share(error: number, effect: number): string {
  const part = Math.abs(error) / Math.max(Math.abs(effect), 1e-9);
  return `${number(100 * part)}\u2009%`;
}
