import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { AUDIT_ROUTES } from "./audit_route.mjs";
import { jobBody } from "./job.mjs";
import { advanceAll } from "./job_clock.mjs";
import { JOB_ROUTES } from "./job_route.mjs";
import { LOG_ROUTES } from "./log_route.mjs";
import { badRequest, Problem } from "./problem.mjs";
import { PROFILE_ROUTES } from "./profile_route.mjs";
import { need } from "./role.mjs";
import { SEGMENT_ROUTES } from "./segment_route.mjs";
import { spoil } from "./sentinel.mjs";
import { dashed, uuid7 } from "./space.mjs";
import { authenticate, TOKEN_ROUTES } from "./token_route.mjs";

/** Method, path below the space, the permission that it needs or null, and what answers. */
const ROUTES = [
  ...TOKEN_ROUTES,
  ...PROFILE_ROUTES,
  ...JOB_ROUTES,
  ...SEGMENT_ROUTES,
  ...AUDIT_ROUTES,
  ...LOG_ROUTES,
].map(([method, path, permission, answer]) => ({ method, parts: path.split("/"), permission, answer }));

/** Answers a request of the API: status, headers and content. */
export async function respond(spaces, request, body) {
  const requestId = dashed(uuid7());
  const headers = {
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Request-Id": requestId,
  };
  try {
    const answer = await answerOf(spaces, request, body, requestId);
    const content = answer.text ?? JSON.stringify(answer.body);
    if (answer.isTagged) {
      headers.ETag = `"${createHash("sha256").update(content).digest("base64url")}"`;
      if (request.headers["if-none-match"] === headers.ETag) return { status: 304, headers, content: "" };
    }
    return { status: answer.status ?? 200, headers: { ...headers, ...answer.headers }, content };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const error = { error: { code: problem.code, message: problem.message }, ...problem.beside };
    return { status: problem.status, headers: { ...headers, ...problem.headers }, content: JSON.stringify(error) };
  }
}

async function answerOf(spaces, request, raw, requestId) {
  const url = new URL(request.url, "http://fake");
  if (url.pathname === "/health") return health(request);
  const [, , , spaceId, ...rest] = url.pathname.split("/");
  const route = find(request.method, rest);
  const { space, ...caller } = authenticate(spaces, decode(spaceId ?? ""), request.headers.authorization);
  await spoil(space, caller, route.parts[0] === "token", request.method);
  if (route.permission !== null) need(caller.role, route.permission);
  advanceAll(space);
  const context = {
    ...caller,
    space,
    requestId,
    path: url.pathname,
    query: url.searchParams,
    parts: route.values.map(decode),
    accept: request.headers.accept ?? "",
    headers: request.headers,
    at: Date.now(),
    ...read(request, raw),
  };
  const key = request.method === "GET" ? undefined : request.headers["idempotency-key"];
  return key === undefined ? route.answer(context) : once(context, route, key, request, raw);
}

/** That the fake runs: of no space, and without a token. */
function health({ method }) {
  if (method === "GET") return { body: { status: "ok", version: "0.0.0", commit: "unknown" } };
  throw notAllowed("GET");
}

/** The route of a path, with the values of its parts. `:` is one part, `*` is all that follows. */
function find(method, given) {
  const fits = ({ parts }) =>
    parts.at(-1) === "*"
      ? given.length >= parts.length && parts.slice(0, -1).every((part, place) => part === given[place])
      : parts.length === given.length && parts.every((part, place) => part === ":" || part === given[place]);
  const fitting = ROUTES.filter(fits);
  const route = fitting.find((each) => each.method === method);
  if (route) return { ...route, values: given.filter((_, place) => isVariable(route.parts, place)) };
  if (fitting.length === 0) throw new Problem(404, "not_found", "There is nothing at this path.");
  throw notAllowed(fitting.map((each) => each.method).join(", "));
}

const notAllowed = (methods) =>
  new Problem(405, "method_not_allowed", `This path answers ${methods} only.`, { headers: { Allow: methods } });

const isVariable = (parts, place) => parts[place] === ":" || (parts.at(-1) === "*" && place >= parts.length - 1);

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest("The path has a `%` that is not followed by two hexadecimal digits.");
  }
}

function read(request, raw) {
  const contentType = request.headers["content-type"] ?? "";
  if (raw.length === 0) return { body: null, contentType };
  if (contentType === "" && (request.headers.origin || request.headers["sec-fetch-site"])) {
    throw new Problem(415, "unsupported_media_type", "The request body must be sent as application/json.");
  }
  const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
  if (contentType.startsWith("text/csv")) return { body: bytes.toString(), contentType };
  try {
    return { body: JSON.parse(bytes.toString()), contentType };
  } catch {
    throw badRequest("The request body is not JSON.");
  }
}

/** Answers a request with a key once; a repetition gets the same success, with the job as it is now. */
async function once({ space, ...context }, route, key, request, raw) {
  const content = createHash("sha256").update(`${request.method} ${context.path}\n`).update(raw).digest("hex");
  const before = space.keys.get(key);
  if (before === undefined) {
    const answer = await route.answer({ space, ...context });
    space.keys.set(key, { content, answer });
    return answer;
  }
  if (before.content !== content) {
    const message = "This Idempotency-Key was used for another request within the last 24 hours; use a new key.";
    throw new Problem(409, "idempotency_conflict", message);
  }
  const job = space.jobs.get(before.answer.body?.job?.id);
  return job ? { ...before.answer, body: { ...before.answer.body, job: jobBody(job) } } : before.answer;
}
