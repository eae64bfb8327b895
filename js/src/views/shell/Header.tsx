import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { named } from "../../data/call.js";
import { variableAt } from "../../data/drag.js";
import { count, number, tokens } from "../../data/format.js";
import type { Shared } from "../../data/shared.js";
import { useHost } from "../../host.js";
import type { AnyPanel } from "../../panels/panel.js";
import type { Client } from "../../protocol/client.js";
import type { ScopeInfo } from "../../protocol/generated.js";
import { PairingBadge } from "../pairing/PairingBadge.js";
import { Remarks } from "./Remarks.js";

interface Props {
  info: ScopeInfo;
  client: Client;
  panel: AnyPanel;
  shared: Shared | undefined;
  locked: number | undefined;
  setLocked: (feature: number | undefined) => void;
  code: () => string | undefined;
  /** Keeps what the panel shows. */
  keep?: ComponentChildren;
  children?: ComponentChildren;
}

/** What is browsed, in one line, how the line to the kernel is, and what can be done with the panel. */
export function Header({ info, client, panel, shared, locked, setLocked, code, keep, children }: Props) {
  return (
    <div class="ss-header">
      {panel.title !== "Browser" && <h2 class="ss-panel-title">{panel.title}</h2>}
      <span class="ss-model" title={[info.sae, info.units].filter(Boolean).join("\n")}>
        {info.model || info.name}
      </span>
      <span class="ss-site" title="The site: where in the model the SAE reads.">
        {info.site}
      </span>
      <span
        class="ss-wide-only"
        title={`${count(info.n_alive)} of them fire; ${number(info.l0)} on a token, on average.`}
      >
        {count(info.n_features)} features
      </span>
      <Remarks info={info} />
      {info.has_index && (
        <span class="ss-wide-only" title={info.imported || `${count(info.n_tokens)} tokens in the index.`}>
          {info.imported ? "imported" : `${tokens(info.n_tokens)} tokens`}
        </span>
      )}
      <span class={`ss-line ss-line-${client.status}`} role="status">
        {lineState(client)}
      </span>
      {client.status === "ready" && client.nBefore > 0 && (
        <button
          type="button"
          class="ss-quiet-button"
          title="Ask no longer for what waits for its turn."
          onClick={() => client.stopQueued()}
        >
          stop
        </button>
      )}
      {children}
      <PairingBadge client={client} info={info} />
      <PanelButtons
        panel={panel}
        shared={shared}
        locked={locked}
        setLocked={setLocked}
        code={code}
        keep={keep}
      />
    </div>
  );
}

/** Lock a panel to its feature, and copy the call that gives what it shows. */
export function PanelButtons({
  panel,
  shared,
  locked,
  setLocked,
  code,
  keep,
}: Omit<Props, "info" | "client" | "panel"> & { panel: Pick<AnyPanel, "hasFeature"> }) {
  const [isCopied, setCopied] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const call = () => {
    const text = code();
    return text && named(text, variableAt(place.current));
  };
  const copy = () => {
    const text = call();
    if (text === undefined) return;
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  const { insertCell } = useHost();
  const insert = () => {
    const text = call();
    if (text !== undefined && place.current) insertCell?.(text, place.current);
  };
  const isLocked = locked !== undefined;
  return (
    <span class="ss-panel-buttons" ref={place}>
      {panel.hasFeature && (
        <button
          type="button"
          class="ss-quiet-button"
          aria-pressed={isLocked}
          title={
            isLocked
              ? "Locked to its feature: click to follow the others."
              : "Keep this feature when others move on."
          }
          onClick={() => setLocked(isLocked ? undefined : shared?.feature)}
        >
          {isLocked ? `locked #${locked}` : "lock"}
        </button>
      )}
      {keep}
      <button
        type="button"
        class="ss-quiet-button"
        title={`Copy the Python call that gives this as polars: ${call() ?? ""}`}
        onClick={copy}
      >
        {isCopied ? "copied" : "copy code"}
      </button>
      {insertCell && (
        <button
          type="button"
          class="ss-quiet-button"
          title="Insert a cell with this call into the notebook; it does not run."
          onClick={insert}
        >
          insert cell
        </button>
      )}
    </span>
  );
}

type Line = Pick<Client, "status" | "nWaiting" | "nBefore">;

/** A sentence on the line to the kernel, or nothing when all is well. */
export function lineState({ status, nWaiting, nBefore }: Line): string {
  if (status === "closed") return "The kernel is gone: run the cell again.";
  if (status === "snapshot") return "Snapshot: run the cell to go live.";
  if (status === "ready" && nBefore > 0) return `Waits for its turn with the model: ${nBefore} before it.`;
  if (status !== "busy") return "";
  if (nWaiting === 0) return "Waiting for the kernel.";
  return `The kernel is running a cell; ${nWaiting} ${nWaiting === 1 ? "request waits" : "requests wait"}.`;
}
