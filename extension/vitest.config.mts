import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { alias: { "@saescope/panels": fileURLToPath(new URL("../js/src/index.ts", import.meta.url)) } },
  test: { include: ["test/**/*.test.ts"], environment: "happy-dom" },
});
