import { copyFile } from "node:fs/promises";
import { build } from "esbuild";
import "../styles.mjs";

const out = process.argv[2] ?? "dev/out";

await build({
  entryPoints: ["dev/main.ts"],
  outdir: out,
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "info",
});
for (const name of ["index.html", "themes.css"]) await copyFile(`dev/${name}`, `${out}/${name}`);
