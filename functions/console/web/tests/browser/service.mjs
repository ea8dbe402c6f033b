import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../..", import.meta.url));
const SEED = fileURLToPath(new URL("seed.jsonl", import.meta.url));
const FAKE_SEED = fileURLToPath(new URL("seed.fake.jsonl", import.meta.url));
const FAKE = fileURLToPath(new URL("../fake/main.mjs", import.meta.url));

/** Building the service takes long where nothing is built yet. */
const READY_MS = 30 * 60_000;

/** The fake API as files of tests need it that no other service can serve: with the built script, and its policy. */
const BUILT = "--built --hurry 8";

/**
 * The service whose line of JSON is in `EFFACE_CONSOLE_READY`, or one that is started: the fake API where
 * `EFFACE_CONSOLE_FAKE` holds its options, else `cargo local`.
 */
export async function startService() {
  const running = process.env.EFFACE_CONSOLE_READY;
  if (running) return { ready: JSON.parse(running), stop: async () => {} };
  if (process.env.EFFACE_CONSOLE_FAKE !== undefined) return startFake();
  return start("cargo", ["local", ...(await givenTo(SEED))]);
}

/** The fake API, which is started. */
export async function startFake() {
  const options = process.env.EFFACE_CONSOLE_FAKE ?? BUILT;
  return start(process.execPath, [FAKE, ...(await givenTo(SEED, FAKE_SEED)), ...options.split(" ").filter(Boolean)]);
}

async function givenTo(...seeds) {
  return ["--json", "--port", String(await freePort()), ...seeds.flatMap((seed) => ["--seed", seed])];
}

async function start(command, words) {
  const child = spawn(command, words, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
    await ended;
  };
  const late = AbortSignal.timeout(READY_MS);
  const died = ended.then(([code]) => {
    throw new Error(`${command} ${words[0]} has ended with ${code} before it was ready.`);
  });
  try {
    const [line] = await Promise.race([once(createInterface(child.stdout), "line", { signal: late }), died]);
    died.catch(() => {});
    return { ready: JSON.parse(line), stop };
  } catch (error) {
    died.catch(() => {});
    await stop();
    throw error;
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
