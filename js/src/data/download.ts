/** Hand a file to the browser, which saves it. */
export function download(name: string, content: DataView, type = "application/octet-stream"): void {
  const bytes = new Uint8Array(content.buffer as ArrayBuffer, content.byteOffset, content.byteLength);
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
