import { count, number, tokens } from "../data/format.js";
import type { Client } from "../protocol/client.js";
import type { ScopeInfo } from "../protocol/generated.js";

/** What is browsed, in one line, and how the line to the kernel is. */
export function Header({ info, client }: { info: ScopeInfo; client: Client }) {
  const state = lineState(client);
  return (
    <header class="ss-header">
      <span class="ss-model" title={info.sae}>
        {info.model || info.name}
      </span>
      <span class="ss-site" title="The site: where in the model the SAE reads.">
        {info.site}
      </span>
      <span title={`${count(info.n_alive)} of them fire; ${number(info.l0)} on a token, on average.`}>
        {count(info.n_features)} features
      </span>
      {info.has_index && (
        <span title={`${count(info.n_tokens)} tokens in the index.`}>{tokens(info.n_tokens)} tokens</span>
      )}
      <span class={`ss-line ss-line-${client.status}`} role="status">
        {state}
      </span>
    </header>
  );
}

/** A sentence on the line to the kernel, or nothing when all is well. */
export function lineState({ status, nWaiting }: Pick<Client, "status" | "nWaiting">): string {
  if (status === "closed") return "The kernel is gone: run the cell again.";
  if (status === "snapshot") return "Snapshot: run the cell to go live.";
  if (status !== "busy") return "";
  if (nWaiting === 0) return "Waiting for the kernel.";
  return `The kernel is running a cell; ${nWaiting} ${nWaiting === 1 ? "request waits" : "requests wait"}.`;
}
