import type { Kernel } from "@jupyterlab/services";
import type { JSONValue } from "@lumino/coreutils";
import { type Port, PROTOCOL, together } from "@saescope/panels";

export const TARGET = "saescope";
export const ANNOUNCE = "saescope-announce";

const SUBSHELL_WAIT_MS = 2000;
const ENDS = new Set<Kernel.Status>(["restarting", "autorestarting", "dead", "terminating"]);

/** The package is not imported in this kernel. */
export class NotLoadedError extends Error {}

interface SubshellComm {
  subshellStarted?: Promise<void>;
}

interface SubshellKernel {
  supportsSubshells?: boolean;
  commsOverSubshells?: string;
}

/** Wait until the comm has a subshell of its own, on kernels that give one. */
async function subshell(kernel: Kernel.IKernelConnection, comm: Kernel.IComm): Promise<void> {
  const { supportsSubshells, commsOverSubshells } = kernel as SubshellKernel;
  const started = (comm as SubshellComm).subshellStarted;
  if (!started || !supportsSubshells || commsOverSubshells === "disabled") return;
  await Promise.race([started, new Promise((resolve) => setTimeout(resolve, SUBSHELL_WAIT_MS))]);
}

/** Open a line to the scopes of a kernel; rejects with `NotLoadedError` where the package is not imported. */
export async function openCommPort(kernel: Kernel.IKernelConnection, signal: AbortSignal): Promise<Port> {
  const comm = kernel.createComm(TARGET);
  const gone = new AbortController();
  const listeners = new Set<(frame: unknown, buffers: DataView[]) => void>();
  const early: [unknown, DataView[]][] = [];
  let isRefused = false;
  let hear: () => void = () => {};
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  comm.onMsg = (msg) => {
    const buffers = (msg.buffers ?? []).map((b) => (b instanceof ArrayBuffer ? new DataView(b) : viewOf(b)));
    if (listeners.size === 0) early.push([msg.content.data, buffers]);
    for (const listener of [...listeners]) listener(msg.content.data, buffers);
    hear();
  };
  comm.onClose = () => {
    isRefused = true;
    gone.abort();
    hear();
  };
  closeWithKernel(kernel, gone);
  await subshell(kernel, comm);
  if (signal.aborted) throw new NotLoadedError("no longer wanted");
  signal.addEventListener("abort", () => close(comm, gone), { once: true });
  await comm.open({ t: "hello" }).done;
  comm.send({ t: "hello", protocol: PROTOCOL, version: "", scopes: [] });
  await Promise.race([heard, aborted(gone.signal)]);
  if (isRefused || gone.signal.aborted) throw new NotLoadedError("the kernel has no saescope");
  return together({
    closed: gone.signal,
    send(frame, buffers) {
      comm.send(frame as JSONValue, undefined, buffers);
    },
    onFrame(listener) {
      listeners.add(listener);
      for (const [frame, buffers] of early.splice(0)) queueMicrotask(() => listener(frame, buffers));
      return () => listeners.delete(listener);
    },
  });
}

function viewOf(buffer: ArrayBufferView): DataView {
  return new DataView(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

/** Comms do not outlive a restart, and nobody tells them. */
function closeWithKernel(kernel: Kernel.IKernelConnection, gone: AbortController): void {
  const close = () => gone.abort();
  const onStatus = (_kernel: Kernel.IKernelConnection, status: Kernel.Status) => {
    if (ENDS.has(status)) close();
  };
  kernel.statusChanged.connect(onStatus);
  kernel.disposed.connect(close);
  gone.signal.addEventListener(
    "abort",
    () => {
      kernel.statusChanged.disconnect(onStatus);
      kernel.disposed.disconnect(close);
    },
    { once: true },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function close(comm: Kernel.IComm, gone: AbortController): void {
  gone.abort();
  if (!comm.isDisposed) {
    try {
      comm.close();
    } catch {
      comm.dispose();
    }
  }
}
