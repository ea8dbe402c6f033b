/**
 * The console with a fake API behind it, on one port, for work on the console without the service.
 *
 *     node tests/fake/main.mjs [--port 9081] [--built] … (--help lists all)
 *
 * What it holds is in memory and made anew at each start. `README.md` lists the spaces.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { respond } from "./api.mjs";
import { builtConsole, sourceConsole } from "./console.mjs";
import { pace } from "./job_clock.mjs";
import { ROLES } from "./role.mjs";
import { makeSpaces, SENTINELS } from "./seed.mjs";
import { loadSeed } from "./seed_file.mjs";
import { SignIn } from "./sign_in.mjs";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "9081" },
    built: { type: "boolean", default: false },
    dist: { type: "string", default: "dist" },
    seed: { type: "string", multiple: true, default: [] },
    hurry: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const say = (text) => process.stdout.write(`${text}\n`);

if (options.help) {
  say(`The console with a fake API.

  --port N   the port; 0 takes a free one (default 9081)
  --built    serves dist with the headers of the function, in place of the sources
  --dist D   where the built console is (default dist)
  --seed F   also loads a file in the load format of docs/load-format.md; may be repeated
  --hurry N  scheduled jobs start N times as soon (default 1)
  --json     prints one line of JSON when it is ready, as cargo local --json does

Spaces:
${Object.entries(SENTINELS)
  .map(([id, what]) => `  ${id.padEnd(15)}${what}`)
  .join("\n")}

Tokens: eff_<role> and eff_<role>_2 of ${Object.keys(ROLES).join(", ")}; eff_expired is not valid.`);
  process.exit(0);
}

const spaces = makeSpaces();
for (const file of options.seed) loadSeed(spaces, file);
pace.hurry = Number(options.hurry);
const server = createServer();
const pages = options.built
  ? { answer: builtConsole(options.dist), close: async () => {} }
  : await sourceConsole(server, options.port);
const signIn = new SignIn();

async function handle(request, response) {
  const path = request.url.split("?")[0];
  const isOfApi = path === "/health" || path.startsWith("/v1/");
  if (isOfApi || path === "/console/sign_in") {
    const body = await buffer(request);
    const answer = isOfApi ? await respond(spaces, request, body) : signIn.respond(request, body);
    response.writeHead(answer.status, { Date: new Date().toUTCString(), ...answer.headers }).end(answer.content);
  } else if (path === "/" || path === "/console") response.writeHead(308, { Location: "/console/" }).end();
  else await pages.answer(request, response);
}

server.on("request", (request, response) => {
  handle(request, response).catch((fault) => {
    process.stderr.write(`${request.method} ${request.url}: ${fault.stack}\n`);
    if (!response.headersSent) response.writeHead(500, { "Content-Type": "application/json" });
    response.end('{"error":{"code":"internal_error","message":"The fake has a fault: see its terminal."}}');
  });
});
server.listen(Number(options.port), "127.0.0.1");
await once(server, "listening");

const url = `http://127.0.0.1:${server.address().port}`;
const link = () => `${url}/console/index.html#code=${signIn.code()}`;
if (options.json) {
  const tokens = Object.fromEntries(Object.keys(ROLES).map((role) => [role, `eff_${role}`]));
  const all = Object.fromEntries([...spaces.keys()].map((id) => [id, { tokens }]));
  say(JSON.stringify({ ready: true, url, space_id: "spa_demo", tokens, spaces: all, console: link() }));
} else {
  say(`\n  Console  ${url}/console/\n  Link     ${link()}  (works once)\n  Spaces   ${[...spaces.keys()].join(" ")}`);
  say("  Tokens   eff_workspace_owner, eff_privacy_admin, eff_auditor, … (--help lists all)\n");
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await pages.close();
    server.closeAllConnections();
    server.close(() => process.exit(0));
  });
}
