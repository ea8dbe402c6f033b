/**
 * Runs the browser tests against one service.
 *
 *     node tests/browser/main.mjs [--fake] [FILE…]
 *
 * The service is `cargo local`, or the fake API with `--fake`, or one that runs, where `EFFACE_CONSOLE_READY` holds the line of
 * JSON that it has printed. `CHROMIUM` is the browser; `EFFACE_CONSOLE_SHOTS` a folder for pictures of what has failed. The test of the link comes first: links work for a minute.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startService } from "./service.mjs";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const FIRST = "link.test.mjs";

const given = process.argv.slice(2);
const names = given.filter((word) => !word.startsWith("--"));
if (given.includes("--fake")) process.env.EFFACE_CONSOLE_FAKE ??= "--hurry 8";

const all = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".test.mjs"))
  .sort((a, b) => Number(b === FIRST) - Number(a === FIRST) || (a < b ? -1 : 1));
const chosen = names.length === 0 ? all : all.filter((name) => names.some((word) => name.includes(word)));

const { ready, stop } = await startService();
process.env.EFFACE_CONSOLE_READY = JSON.stringify(ready);
let failed = 0;
try {
  // One process after the other, in this order: `node --test` with several files sorts them itself.
  for (const name of chosen) {
    const child = spawn(process.execPath, ["--test", "--test-reporter=spec", FOLDER + name], { stdio: "inherit" });
    const [code] = await once(child, "exit");
    if (code !== 0) failed += 1;
  }
} finally {
  await stop();
}
process.exit(failed === 0 ? 0 : 1);
