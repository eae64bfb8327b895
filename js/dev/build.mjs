import { build } from "esbuild";

await build({
  entryPoints: ["dev/main.ts"],
  outdir: "dev/out",
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "info",
});
