import { readFile, writeFile } from "node:fs/promises";
import { transform } from "esbuild";

const css = await readFile(new URL("src/views/style.css", import.meta.url), "utf8");
const { code } = await transform(css, { loader: "css", minify: true });
const text = `// Written by styles.mjs from style.css.\nexport default ${JSON.stringify(code.trim())};\n`;
await writeFile(new URL("src/views/style.generated.ts", import.meta.url), text);
