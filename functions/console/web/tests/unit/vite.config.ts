import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

/** Node 20 does not read TypeScript, so the tests are built first. */
export default defineConfig({
  build: {
    ssr: true,
    outDir: "node_modules/.unit",
    target: "node20",
    rollupOptions: {
      input: readdirSync("tests/unit")
        .filter((name) => name.endsWith(".test.ts"))
        .map((name) => `tests/unit/${name}`),
    },
  },
});
