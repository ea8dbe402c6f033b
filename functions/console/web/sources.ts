import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** What `dist` is built from, beside everything below `src` and `public`. */
const INPUTS = [
  "index.html",
  "licences.ts",
  "package.json",
  "package-lock.json",
  "sources.ts",
  "tsconfig.json",
  "vite.config.ts",
];

/** Types that are generated from the API's document: they leave no trace in the script. */
const GENERATED = "src/api/schema.d.ts";

/**
 * Writes `SOURCES` beside the built files: the SHA-256 of every source, as `sha256sum --check` reads it. A test in Rust
 * compares it with the sources, so that a stale `dist` is noticed without Node.
 */
export function sources(): Plugin {
  return {
    name: "efface-sources",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "SOURCES", source: list() });
    },
  };
}

function list(): string {
  const found = ["src", "public"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const paths = [...INPUTS, ...found].filter((path) => path !== GENERATED).sort();
  const line = (path: string) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${path}\n`;
  return paths.map(line).join("");
}
