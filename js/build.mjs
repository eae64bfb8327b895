import { readFile, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { context } from "esbuild";
import { minify } from "terser";
import { LATER } from "./later.mjs";

const isProd = process.argv.includes("--prod");
const isWatch = process.argv.includes("--watch");
const outdir = "../python_pkg/saescope/static";
const target = new URL(`${outdir}/`, import.meta.url);

const shared = {
  outdir,
  bundle: true,
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minifySyntax: isProd,
  legalComments: "none",
};
const core = { ...shared, entryPoints: { core: "src/core.ts", picker: "src/picker.ts" }, format: "esm" };

/** A module's name in the kit: its path from this folder. */
const nameOf = (path) => relative(import.meta.dirname, path).replaceAll("\\", "/");

/** The modules that the core is made of. */
async function coreModules() {
  const found = await context({ ...core, entryPoints: ["src/core.ts"], write: false, metafile: true });
  const { metafile } = await found.rebuild();
  await found.dispose();
  return new Set(Object.keys(metafile.inputs));
}

/** What the core has, a panel's bundle takes from there: `used` hears of it. */
function fromCore(modules, used) {
  return {
    name: "from-core",
    setup(build) {
      build.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...options }) => {
        if (options.kind === "entry-point" || pluginData === "inner") return undefined;
        const found = await build.resolve(path, { ...options, pluginData: "inner" });
        const name = nameOf(found.path);
        if (!modules.has(name)) return found;
        used.add(name);
        return { path: name, external: true };
      });
    },
  };
}

/** Puts the modules that bundles of panels take from the core into `src/later/kit.ts`. */
function filledKit(used) {
  return {
    name: "kit",
    setup(build) {
      build.onLoad({ filter: /[\\/]later[\\/]kit\.ts$/ }, () => {
        const names = [...used].sort();
        const imports = names.map((name, i) => `import * as m${i} from ${JSON.stringify(`./${name}`)};`);
        const entries = names.map((name, i) => `${JSON.stringify(name)}: m${i}`);
        const contents = `${imports.join("\n")}\nexport const KIT = { ${entries.join(", ")} };\n`;
        return { contents, resolveDir: import.meta.dirname, loader: "ts" };
      });
    },
  };
}

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

const used = new Set();
const panels = await context({
  ...shared,
  entryPoints: Object.fromEntries(LATER.map((name) => [name, `src/views/${name}/later.ts`])),
  format: "cjs",
  banner: { js: "export default (require) => { const module = { exports: {} };" },
  footer: { js: "return module.exports; };" },
  plugins: [fromCore(await coreModules(), used)],
  logLevel: "info",
});
await panels.rebuild();
const whole = await context({ ...core, plugins: [filledKit(used)], logLevel: "info" });

if (isWatch) {
  await Promise.all([panels.watch(), whole.watch()]);
} else {
  await whole.rebuild();
  await Promise.all([panels.dispose(), whole.dispose()]);
  if (isProd) await Promise.all(["core", "picker", ...LATER].map(shrink));
}
