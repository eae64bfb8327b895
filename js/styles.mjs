import { readFile, writeFile } from "node:fs/promises";

const css = await readFile(new URL("src/views/style.css", import.meta.url), "utf8");
const text = `// Written by styles.mjs from style.css.\nexport default ${JSON.stringify(css)};\n`;
await writeFile(new URL("src/views/style.generated.ts", import.meta.url), text);
