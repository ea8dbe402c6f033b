import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { licences } from "./licences.ts";
import { sources } from "./sources.ts";

/**
 * `dist` is committed and built into the function, so its names and bytes follow from the sources alone: no hashes in
 * names, one script, one style sheet. Addresses are relative, because the stage of the API is part of the path.
 */
export default defineConfig({
  base: "./",
  resolve: {
    alias: [
      { find: "react/jsx-runtime", replacement: fileURLToPath(new URL("src/ui/jsx_runtime.ts", import.meta.url)) },
    ],
  },
  plugins: [react(), licences(), sources()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    rollupOptions: {
      // Reading a property, or a global, has no effect in what is built: what only does that is left out.
      treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
      output: {
        entryFileNames: "console.js",
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith(".css")) ? "console.css" : "[name][extname]",
        codeSplitting: false,
      },
    },
  },
  server: { port: 9080, strictPort: true, proxy: { "/v1": "http://127.0.0.1:9000" } },
});
