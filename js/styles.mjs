import { readdir, readFile, writeFile } from "node:fs/promises";
import { transform } from "esbuild";
import { LATER } from "./later.mjs";

const views = new URL("src/views/", import.meta.url);
/** The shell first: the others build on it. */
const FIRST = "shell/shell.css";

const found = await readdir(views, { recursive: true });
const names = found.map((name) => name.replaceAll("\\", "/")).filter((name) => name.endsWith(".css"));
names.sort((a, b) => Number(b === FIRST) - Number(a === FIRST) || a.localeCompare(b));

const folderOf = (name) => name.split("/")[0];

/** Write style sheets as a module that holds them. */
async function write(folder, parts) {
  const css = (await Promise.all(parts.map((name) => readFile(new URL(name, views), "utf8")))).join("\n");
  const { code } = await transform(css, { loader: "css", minify: true });
  const text = `// Written by styles.mjs from the style sheets of the views.\nexport default ${JSON.stringify(code.trim())};\n`;
  await writeFile(new URL(`${folder}style.generated.ts`, views), text);
}

const later = (name) => LATER.includes(folderOf(name));
await write(
  "",
  names.filter((name) => !later(name)),
);
for (const folder of LATER)
  await write(
    `${folder}/`,
    names.filter((name) => folderOf(name) === folder),
  );
