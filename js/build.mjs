import { readFile } from "node:fs/promises";
import { context, transform } from "esbuild";

const isProd = process.argv.includes("--prod");
const isWatch = process.argv.includes("--watch");

/** CSS as a string, minified in production. */
const cssText = {
  name: "css-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: isProd });
      return { contents: code, loader: "text" };
    });
  },
};

const bundle = await context({
  entryPoints: { core: "src/core.ts" },
  outdir: "../python_pkg/saescope/static",
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: isProd,
  legalComments: "none",
  plugins: [cssText],
  logLevel: "info",
});

if (isWatch) {
  await bundle.watch();
} else {
  await bundle.rebuild();
  await bundle.dispose();
}
