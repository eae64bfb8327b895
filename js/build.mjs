import { context } from "esbuild";

const isProd = process.argv.includes("--prod");
const isWatch = process.argv.includes("--watch");

const bundle = await context({
  entryPoints: { core: "src/core.ts", map: "src/map.ts" },
  outdir: "../python_pkg/saescope/static",
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: isProd,
  legalComments: "none",
  logLevel: "info",
});

if (isWatch) {
  await bundle.watch();
} else {
  await bundle.rebuild();
  await bundle.dispose();
}
