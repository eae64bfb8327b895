import type { Client } from "../protocol/client.js";

/** An ES module that the kernel holds, by its name. */
export async function importFromKernel(client: Client, name: string): Promise<unknown> {
  const { buffers } = await client.request("bundle.get", { name });
  const [buffer] = buffers;
  if (!buffer) throw new Error(`The kernel sent no JavaScript for ${name}.`);
  const bytes = new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
  const url = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  try {
    return await import(/* webpackIgnore: true */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}
