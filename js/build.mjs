import { readFile, writeFile } from "node:fs/promises";
import { context } from "esbuild";
import { minify } from "terser";

const isProd = process.argv.includes("--prod");
const isWatch = process.argv.includes("--watch");
const target = new URL("../python_pkg/saescope/static/", import.meta.url);

const bundle = await context({
  entryPoints: { core: "src/core.ts", map: "src/map.ts", picker: "src/picker.ts" },
  outdir: "../python_pkg/saescope/static",
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minifySyntax: isProd,
  legalComments: "none",
  logLevel: "info",
});

/** Make a bundle small: it travels to every page. */
async function shrink(name) {
  const file = new URL(`${name}.js`, target);
  const options = {
    module: true,
    ecma: 2022,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true },
  };
  const { code } = await minify(await readFile(file, "utf8"), options);
  await writeFile(file, code);
}

if (isWatch) {
  await bundle.watch();
} else {
  await bundle.rebuild();
  await bundle.dispose();
  if (isProd) await Promise.all(["core", "map", "picker"].map(shrink));
}
