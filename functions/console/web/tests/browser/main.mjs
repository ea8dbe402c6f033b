/**
 * Runs the browser tests.
 *
 *     node tests/browser/main.mjs [--fake] [FILE…]
 *
 * The service is `cargo local`, or the fake API with `--fake`, or one that runs, where `EFFACE_CONSOLE_READY` holds the line of
 * JSON that it has printed. Files that end with `.fake.test.mjs` need what only the fake API has, and always run against it:
 * beside the others, and while their service starts. `CHROMIUM` is the browser; `EFFACE_CONSOLE_SHOTS` a folder for pictures of
 * what has failed. The test of the link comes first: links work for a minute.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { startFake, startService } from "./service.mjs";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const FIRST = "link.test.mjs";
const LONG = ["job.test.mjs", "segment.test.mjs", "many_rows.test.mjs"];

/** Files of tests at a time: much of theirs is waiting. */
const LANES = 2;

const given = process.argv.slice(2);
const names = given.filter((word) => !word.startsWith("--"));
if (given.includes("--fake")) process.env.EFFACE_CONSOLE_FAKE ??= "--hurry 8";

const all = readdirSync(FOLDER).filter((name) => name.endsWith(".test.mjs"));
const chosen = names.length === 0 ? all : all.filter((name) => names.some((word) => name.includes(word)));
// Those that wait for jobs, which start a minute after they are confirmed, begin before the others.
const place = (name) => [FIRST, ...LONG].indexOf(name) + 1 || all.length;
const ordered = chosen.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
const isOfFake = (name) => name.endsWith(".fake.test.mjs");
const ofFake = ordered.filter(isOfFake);
const others = ordered.filter((name) => !isOfFake(name));

/** The services that were started, by how that is done. */
const services = new Map();
let failed = 0;
const ended = await Promise.allSettled([lane(ofFake), lanes(others)]);
for (const service of services.values()) {
  await service.then(
    ({ stop }) => stop(),
    () => {},
  );
}
for (const { reason } of ended.filter(({ status }) => status === "rejected")) {
  process.stdout.write(`${reason.stack}\n`);
  failed += 1;
}
process.stdout.write(failed === 0 ? `${chosen.length} files passed\n` : `${failed} of ${chosen.length} files FAILED\n`);
process.exit(failed === 0 ? 0 : 1);

async function lanes(waiting) {
  if (waiting[0] === FIRST) await run(waiting.shift());
  await Promise.all(Array.from({ length: LANES }, () => lane(waiting)));
}

async function lane(waiting) {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await run(name);
}

/** The service that a file needs. Each is started once, when the first file needs it. */
function serviceOf(name) {
  const start = isOfFake(name) ? startFake : startService;
  if (!services.has(start)) services.set(start, start());
  return services.get(start);
}

/** Runs a file of tests, and prints what it says when it is over. */
async function run(name) {
  const { ready } = await serviceOf(name);
  const began = Date.now();
  const env = { ...process.env, EFFACE_CONSOLE_READY: JSON.stringify(ready) };
  const child = spawn(process.execPath, ["--test", "--test-reporter=spec", FOLDER + name], { env });
  const [said, faults, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  const seconds = Math.round((Date.now() - began) / 1_000);
  process.stdout.write(`${name}, ${seconds} s\n${said}${faults}`);
  if (code !== 0) failed += 1;
}
