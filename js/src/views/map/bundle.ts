import type { Client } from "../../protocol/client.js";
import type { MapModule } from "./plot/types.js";

let loading: Promise<MapModule> | undefined;

/** The JavaScript that draws maps: fetched from the kernel once a page, when the first map is opened. */
export function loadChart(client: Client): Promise<MapModule> {
  loading ??= fetchModule(client).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function fetchModule(client: Client): Promise<MapModule> {
  const { buffers } = await client.request("bundle.get", { name: "map" });
  const [buffer] = buffers;
  if (!buffer) throw new Error("The kernel sent no JavaScript for the map.");
  const bytes = new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
  const url = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  try {
    return (await import(/* webpackIgnore: true */ url)) as MapModule;
  } finally {
    URL.revokeObjectURL(url);
  }
}
