import { createReadStream, existsSync, rmSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The headers with which the function serves the console. */
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-cache",
};

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** Answers for the built console, as the function does. */
export function builtConsole(dist) {
  return async (request, response) => {
    const path = new URL(request.url, "http://fake").pathname.replace(/^\/console\//, "") || "index.html";
    const type = TYPES[extname(path)];
    const file = resolve(ROOT, dist, path);
    if (type === undefined || path.includes("/") || !existsSync(file)) {
      response.writeHead(404, HEADERS).end();
      return;
    }
    response.writeHead(200, { ...HEADERS, "Content-Type": type });
    await pipeline(createReadStream(file), response);
  };
}

/** Answers with the sources, and has the page follow their changes. */
export async function sourceConsole(server, port) {
  // One of its own: several may run at the same time.
  const cacheDir = join(ROOT, `node_modules/.vite-fake-${port}`);
  const vite = await createServer({
    root: ROOT,
    configFile: join(ROOT, "vite.config.ts"),
    base: "/console/",
    appType: "mpa",
    server: { middlewareMode: true, ws: { server }, proxy: {} },
    cacheDir,
  });
  const answer = (request, response) => vite.middlewares(request, response, () => response.writeHead(404).end());
  const close = async () => {
    await vite.close();
    rmSync(cacheDir, { recursive: true, force: true });
  };
  return { answer, close };
}
