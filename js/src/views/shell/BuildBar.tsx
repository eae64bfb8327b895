import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { count, duration, number, percent, tokens } from "../../data/format.js";
import { asRequestError, type Client, isQuiet } from "../../protocol/client.js";
import type { BuildInfo, ScopeInfo } from "../../protocol/generated.js";
import { focusedNear } from "./inside.js";

interface Props {
  info: ScopeInfo;
  client: Client;
}

/** Whether something builds the index now; a build that failed has ended. */
export function isBuilding({ building }: ScopeInfo): boolean {
  return !!building && !building.error;
}

/** How the build of the index goes, how it failed, or that it is not finished; nothing when all is there. */
export function BuildBar({ info, client }: Props) {
  const { building } = info;
  const isLive = client.status !== "closed" && client.status !== "snapshot";
  if (building?.error) return <Failed building={building} info={info} />;
  if (building && isLive) return <Running building={building} info={info} client={client} />;
  if (!info.has_index || info.is_complete !== false) return null;
  return (
    <div class="ss-build" role="status">
      <p class="ss-build-text">
        {client.status === "snapshot" ? (
          `${partRead(info)} when this was saved.`
        ) : (
          <>
            Unfinished: {partRead(info)}. Build it again with the same <code>out</code> to go on.
          </>
        )}
      </p>
    </div>
  );
}

function Running({ building, info, client }: Props & { building: BuildInfo }) {
  const { stage, done, total } = building;
  const [work, pace] = buildText(building);
  const share = percent(done, total);
  return (
    <div class="ss-build">
      <div class="ss-build-text ss-build-running">
        <span class="ss-build-work">{work}</span>
        {pace && <span class="ss-build-dot"> · </span>}
        <span class="ss-build-pace">{pace}</span>
      </div>
      {info.has_index && <span class="ss-build-part">{partRead(info)}; figures still move</span>}
      <StopButton scope={info.id} client={client} />
      <div
        class={total > 0 ? "ss-progress" : "ss-progress ss-unknown"}
        role="progressbar"
        aria-label={`Building the index: ${stage}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={total > 0 ? share : undefined}
        aria-valuetext={pace ? `${work} · ${pace}` : work}
      >
        <div style={total > 0 ? { width: `${Math.min(1, done / total) * 100}%` } : undefined} />
      </div>
    </div>
  );
}

function Failed({ building, info }: { building: BuildInfo; info: ScopeInfo }) {
  return (
    <div class="ss-build ss-build-failed" role="status">
      <div class="ss-build-text">
        <p>{building.error}</p>
        {building.hint && <p class="ss-quiet">{building.hint}</p>}
      </div>
      {info.has_index && !info.is_complete && <span class="ss-build-part">{partRead(info)}</span>}
    </div>
  );
}

/** Asks for the stop once; the news of it take the button away. */
function StopButton({ scope, client }: { scope: string; client: Client }) {
  const [isStopping, setStopping] = useState(false);
  const [problem, setProblem] = useState("");
  const isAsked = useRef(false);
  const button = useRef<HTMLButtonElement>(null);
  const leave = () => button.current?.closest<HTMLElement>(".saescope")?.focus();
  useLayoutEffect(() => () => void (focusedNear(button.current) === button.current && leave()), []);
  const stop = () => {
    if (isAsked.current) return;
    isAsked.current = true;
    leave();
    setStopping(true);
    setProblem("");
    client.request("build.stop", { scope }).catch((failed: unknown) => {
      isAsked.current = false;
      setStopping(false);
      if (!isQuiet(failed)) setProblem(asRequestError(failed).message);
    });
  };
  return (
    <>
      <button ref={button} type="button" class="ss-button ss-stop" disabled={isStopping} onClick={stop}>
        {isStopping ? "Stopping…" : "Stop"}
      </button>
      {problem && (
        <p class="ss-build-problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

/** What a build does and how far it is; and how fast, and how long still. */
export function buildText({ stage, unit, done, total, rate, seconds_left }: BuildInfo): [string, string] {
  const far = total > 0 ? `${percent(done, total)}\u2009%` : "";
  const many = total <= 0 && done > 0 ? `${tokens(done)} ${unit}` : "";
  const fast = rate > 0 ? `${rate >= 10 ? count(rate) : number(rate)} ${unit}/s` : "";
  const left = seconds_left === null ? "" : `${duration(seconds_left)} left`;
  const join = (parts: string[]) => parts.filter(Boolean).join(" · ");
  return [join([stage, far]), join([many, fast, left])];
}

function partRead({ n_tokens, n_tokens_planned }: ScopeInfo): string {
  if (n_tokens_planned <= 0) return `${tokens(n_tokens)} tokens of the corpus read`;
  return `${percent(n_tokens, n_tokens_planned)}\u2009% of the corpus read`;
}
