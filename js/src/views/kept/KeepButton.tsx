import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../../data/call.js";
import { asRequestError, type Client, isQuiet, type RequestError } from "../../protocol/client.js";
import type { KeepStage, KeptResult, ScopeInfo } from "../../protocol/generated.js";
import { useKeys } from "../shell/keys.js";
import { aboutOf, keyOf, settingsOf, whyNot } from "./keeping.js";
import { shelfOf } from "./shelf.js";

const SHOWN_MS = 8000;

interface Props {
  client: Client;
  info: ScopeInfo;
  /** The panel's name, by which it is opened again. */
  name: string;
  calls: () => Call[] | undefined;
  state: object;
  text: string;
  feature: number | undefined;
}

type Keeping =
  | { kind: "running"; stage: KeepStage | undefined; stop: () => void }
  | { kind: "kept"; results: KeptResult[] }
  | { kind: "gone" }
  | { kind: "refused"; why: string }
  | { kind: "failed"; error: RequestError };

/** Keep what a panel shows: the call and its table, with the notes. */
export function KeepButton({ client, info, name, calls, state, text, feature }: Props) {
  const [keeping, set] = useState<Keeping>();
  const button = useRef<HTMLButtonElement>(null);
  const life = useRef(new AbortController());
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => life.current.abort(), []);
  const wanted = calls();
  const why = whyNot(wanted, info, {
    isReadOnly: client.status === "snapshot",
    isClosed: client.status === "closed",
  });
  const key = wanted ? keyOf(wanted) : "";
  useEffect(() => {
    if (keeping && keeping.kind !== "running") set(undefined);
  }, [key]);
  const keep = async () => {
    if (running.current) return;
    if (why || !wanted) return set({ kind: "refused", why });
    const stop = new AbortController();
    running.current = stop;
    const tell = (stage: KeepStage | undefined) => set({ kind: "running", stage, stop: () => stop.abort() });
    tell(undefined);
    const results: KeptResult[] = [];
    try {
      for (const call of wanted)
        results.push(
          await keptOf(client, info.id, call, {
            feature: aboutOf(call, feature),
            panel: { name, state: settingsOf(state, text) },
            signal: AbortSignal.any([stop.signal, life.current.signal]),
            onEvent: tell,
          }),
        );
      set({ kind: "kept", results });
    } catch (failed) {
      if (stop.signal.aborted || isQuiet(failed)) set(undefined);
      else set({ kind: "failed", error: asRequestError(failed) });
    } finally {
      running.current = undefined;
      void shelfOf(client, info.id).load();
    }
  };
  useKeys(why ? {} : { K: ["keep this result", () => void keep()] });
  const close = () => {
    set(undefined);
    button.current?.focus();
  };
  return (
    <span class="ss-keep">
      <button
        ref={button}
        type="button"
        class="ss-quiet-button"
        aria-disabled={why !== ""}
        title={why || "Run this call once more and keep it, with its table, in the feature's notes. (K)"}
        onClick={() => void keep()}
      >
        {keeping?.kind === "running" ? "keeping…" : "keep"}
      </button>
      {keeping && (
        <KeepBox keeping={keeping} client={client} info={info} set={set} close={close} again={keep} />
      )}
    </span>
  );
}

interface Asking {
  feature: number | undefined;
  panel: Record<string, unknown>;
  signal: AbortSignal;
  onEvent: (stage: KeepStage) => void;
}

async function keptOf(client: Client, scope: string, { method, args }: Call, asking: Asking) {
  const { feature, panel, signal, onEvent } = asking;
  const params = { scope, method, args, panel, ...(feature === undefined ? {} : { feature }) };
  const { data } = await client.request("kept.keep", params, { signal, onEvent, isLong: true });
  return data;
}

interface BoxProps {
  keeping: Keeping;
  client: Client;
  info: ScopeInfo;
  set: (next: Keeping | undefined) => void;
  close: () => void;
  again: () => Promise<void>;
}

/** How the keeping goes; once kept, its title can be typed, and it can be taken back. */
function KeepBox({ keeping, client, info, set, close, again }: BoxProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (keeping.kind === "running" || keeping.kind === "failed") return;
    const timer = setInterval(() => {
      const isUsed = box.current?.matches(":hover, :focus-within");
      if (!isUsed) set(undefined);
    }, SHOWN_MS);
    return () => clearInterval(timer);
  }, [keeping]);
  const undo = async () => {
    if (keeping.kind !== "kept") return;
    for (const { line } of keeping.results) await shelfOf(client, info.id).undo(line.id);
    set({ kind: "gone" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return (
    <div class="ss-keep-box" ref={box} role="group" aria-label="Keep" onKeyDown={onKeyDown}>
      {keeping.kind === "running" && (
        <>
          <span role="status">{stageText(keeping.stage)}</span>
          <button type="button" class="ss-button" onClick={keeping.stop}>
            Stop
          </button>
        </>
      )}
      {keeping.kind === "refused" && <span role="status">{keeping.why}</span>}
      {keeping.kind === "gone" && <span role="status">Not kept.</span>}
      {keeping.kind === "failed" && (
        <>
          <span role="alert">
            Not kept: {keeping.error.message} {keeping.error.hint}
          </span>
          <button type="button" class="ss-button" onClick={() => void again()}>
            Retry
          </button>
        </>
      )}
      {keeping.kind === "kept" && (
        <>
          <span role="status">
            <b>Kept.</b> {keeping.results.map(({ line }) => line.headline).join(" · ")}
            {keeping.results[0]?.cut && ` (${keeping.results[0].cut})`}
          </span>
          <TitleField results={keeping.results} client={client} info={info} />
          <button type="button" class="ss-button" onClick={() => void undo()}>
            Undo
          </button>
        </>
      )}
      {keeping.kind !== "running" && (
        <button type="button" class="ss-quiet-button" aria-label="Close" onClick={close}>
          ✕
        </button>
      )}
    </div>
  );
}

function stageText(stage: KeepStage | undefined): string {
  if (stage?.stage === "waiting") return "The model is in use elsewhere: waiting.";
  const n = stage?.n_texts ?? 0;
  return n > 1 ? `Running: ${n} texts.` : "Running.";
}

/** The title, to be typed over. */
function TitleField({ results, client, info }: { results: KeptResult[] } & Pick<Props, "client" | "info">) {
  const [state, setState] = useState<"" | "saved" | string>("");
  const save = async (input: HTMLInputElement) => {
    if (input.value.trim() === "") return;
    const shelf = shelfOf(client, info.id);
    for (const { line } of results)
      if (!(await shelf.title(line.id, input.value))) return setState(shelf.error?.message ?? "");
    setState("saved");
  };
  return (
    <label class="ss-keep-title">
      <span>as</span>
      <input
        type="text"
        maxLength={300}
        aria-label="Title of what is kept"
        placeholder={results[0]?.line.title}
        dir="auto"
        onKeyDown={(event) => {
          if (event.key === "Enter") void save(event.currentTarget);
        }}
        onChange={(event) => void save(event.currentTarget)}
      />
      <span role="status">{state}</span>
    </label>
  );
}
