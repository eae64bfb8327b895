const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A size in decimal units: `302 MB`; what is not known says so. */
export function size(n_bytes: number | null): string {
  if (n_bytes === null) return "unknown";
  const step = n_bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(n_bytes) / 3));
  const value = n_bytes / 1000 ** step;
  return `${value >= 100 || step === 0 ? Math.round(value) : Number(value.toPrecision(2))}\u2009${UNITS[step]}`;
}

/** A width as names have it: 16,384 is `16k`, 131,072 is `131k`, 1,048,576 is `1m`. */
export function width(n: number | null): string {
  if (n === null) return "?";
  if (n >= 1 << 20 && n % (1 << 20) === 0) return `${n >> 20}m`;
  const isPower = (n & (n - 1)) === 0;
  if (n >= 65_536 && isPower) return `${Math.floor(n / 1000)}k`;
  return n % 1024 === 0 ? `${n >> 10}k` : String(n);
}

export const SITES: Record<string, string> = {
  resid_pre: "residual, before",
  resid_mid: "residual, middle",
  resid_post: "residual, after",
  attn_out: "attention output",
  z: "attention heads (z)",
  mlp_out: "MLP output",
  transcoder: "MLP transcoder",
  embed: "embedding",
};

export const SITES_SHORT: Record<string, string> = {
  resid_pre: "resid pre",
  resid_mid: "resid mid",
  resid_post: "resid post",
  attn_out: "attn out",
  z: "attn z",
  mlp_out: "MLP out",
  transcoder: "transcoder",
  embed: "embed",
};

/** A mean number of features a token, without figures that say nothing: `82`, `0.84`. */
export function l0(n: number): string {
  return String(Number(n.toPrecision(3)));
}

/** A model's name without its owner. */
export function short(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1) || "model unknown";
}

/** Where an SAE reads, in a few letters. */
export function place(site: string, layer: number | null): string {
  const name = SITES_SHORT[site] ?? site;
  return layer === null ? name : `${name} ${layer}`;
}
