import { happen, jobBody, makeJob, sizeOf, totalOf } from "./job.mjs";
import { jobOf } from "./job_access.mjs";
import { badRequest, invalidState, notExecutable, Problem } from "./problem.mjs";
import { release } from "./release.mjs";
import { need, PERMISSION_OF } from "./role.mjs";
import { inProgress } from "./segment.mjs";

/** For each control: the states that allow it, those that it leads to anyway, and the word of the error. */
const CONTROLS = {
  start: { from: ["open"], already: ["awaiting_approval", "scheduled", "queued", "running"], done: "started" },
  pause: { from: ["queued", "running"], already: ["pausing", "paused"], done: "paused" },
  resume: { from: ["paused", "pausing"], already: ["queued", "running"], done: "resumed" },
  cancel: {
    from: ["open", "awaiting_approval", "scheduled", "queued", "running", "pausing", "paused"],
    already: ["cancelling", "cancelled"],
    done: "cancelled",
  },
  redrive: { from: ["completed"], already: ["queued", "running"], done: "redriven" },
  approve: {
    from: ["awaiting_approval"],
    already: ["scheduled", "queued", "running", "pausing", "paused", "completed"],
    done: "approved",
  },
  reject: { from: ["awaiting_approval"], already: ["cancelling", "cancelled"], done: "rejected" },
};

/** The fields of their bodies. The others take none, and read no body. */
const FIELDS = { start: ["expected_rows", "start_at"], approve: ["expected_members", "start_at"] };

const MOST_AHEAD_MS = 30 * 86_400_000;

/** The time in a body before which a job is not to begin, or null. */
function startAtOf(body, at) {
  if (body?.start_at === undefined || body.start_at === null) return null;
  const startAt = /^\d{4}-\d\d-\d\dT/.test(body.start_at) ? Date.parse(body.start_at) : Number.NaN;
  if (Number.isNaN(startAt)) throw badRequest("The request body at `start_at`: it must be a time.");
  if (startAt > at + MOST_AHEAD_MS) {
    throw badRequest("The request body at `start_at`: it must be at most 30 days ahead.");
  }
  return startAt;
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** Has a job begin at the later of its own time and that of a control. */
function wait(job, startAt) {
  if (startAt !== null && startAt > (job.start_at ?? 0)) job.start_at = startAt;
}

/** Reads the body of a control, before the job is looked at. */
function checkBody(name, body, at) {
  const fields = FIELDS[name];
  if (fields === undefined || body === null) return;
  if (typeof body !== "object" || Array.isArray(body)) throw badRequest("The request body is no object.");
  const unknown = Object.keys(body).find((field) => !fields.includes(field));
  if (unknown !== undefined) throw badRequest(`The request body has an unknown field \`${unknown}\`.`);
  startAtOf(body, at);
}

const CARRY_OUT = {
  start({ space, at, body }, job) {
    const rows = sizeOf(job);
    if ((body?.expected_rows ?? rows) !== rows) {
      const message = `The job has ${plural(rows, "row")}, which is not what was expected.`;
      throw new Problem(409, "rows_changed", message, { beside: { rows } });
    }
    wait(job, startAtOf(body, at));
    release(space, job, at);
  },
  pause({ space, at, tokenId }, job) {
    happen(space, job, "paused", at, { token_id: tokenId });
    leave(job, "pausing", at);
  },
  resume({ space, at, tokenId }, job) {
    happen(space, job, "resumed", at, { token_id: tokenId });
    if (job.max_deletions !== null) job.allowed = job.max_deletions;
    leave(job, job.started_at === null ? "queued" : "running", at);
  },
  cancel({ space, at, tokenId }, job) {
    happen(space, job, "cancelled", at, { token_id: tokenId });
    leave(job, "cancelling", at);
  },
  redrive({ space, at, tokenId }, job) {
    happen(space, job, "redriven", at, { token_id: tokenId });
    const failed = job.results.flatMap((result, place) => (result?.outcome === "failed" ? [place] : []));
    for (const place of failed) delete job.results[place];
    job.counts.failed -= job.size === undefined ? failed.length : 0;
    Object.assign(job, { isRedriven: true, next: failed[0] ?? job.next, finished_at: null, verified_at: null });
    if (job.size === undefined) job.tenths = Math.floor((totalOf(job.counts) * 10) / job.rows.length);
    leave(job, "running", at);
    if (job.action === "delete_segment") job.phase = "deleting";
  },
  approve({ space, at, tokenId, body }, job) {
    const expected = body?.expected_members;
    if (expected !== undefined && expected !== null && expected !== job.expected_members)
      throw changed(job.expected_members);
    job.approvals.push({ token_id: tokenId, at });
    happen(space, job, "approved", at, { token_id: tokenId });
    wait(job, startAtOf(body, at));
    release(space, job, at);
  },
  reject({ space, at, tokenId }, job) {
    happen(space, job, "rejected", at, { token_id: tokenId });
    CARRY_OUT.cancel({ space, at, tokenId }, job);
  },
};

const changed = (members) =>
  new Problem(409, "members_changed", `The segment has ${members} members, which is not what was expected.`, {
    beside: { members },
  });

function leave(job, state, at) {
  job.isHeld = false;
  job.state = state;
  job.since = at;
}

function control(name) {
  const { from, already, done } = CONTROLS[name];
  return (context) => {
    const { role, tokenId, parts, body, at } = context;
    const job = jobOf(context, parts[0]);
    checkBody(name, body, at);
    if (job.created_by !== tokenId || name === "approve") need(role, PERMISSION_OF[job.action]);
    if (name === "approve" && job.created_by === tokenId) {
      const message = "Whoever made a job can't approve it; another token whose role may make such a job can.";
      throw new Problem(403, "own_job", message);
    }
    if (from.includes(job.state)) CARRY_OUT[name](context, job);
    else if (!already.includes(job.state)) throw invalidState(job.state, done);
    return { status: 202, body: { job: jobBody(job) } };
  };
}

/** Makes a job of the profiles that a plan found. */
function execute(context) {
  const { space, role, tokenId, parts, body, at } = context;
  const plan = jobOf(context, parts[0]);
  need(role, PERMISSION_OF[plan.action]);
  if (!plan.dry_run) throw notExecutable("The job is no dry run: it has been carried out itself.");
  if (plan.action === "delete_identifier") {
    throw notExecutable("A dry run of delete_identifier can't be executed; create a job of its rows.");
  }
  if (plan.state !== "completed") throw invalidState(plan.state, "executed");
  if (plan.segment_id !== null) inProgress(space, plan.segment_id);
  const job = makeJob(space, {
    action: plan.action,
    created_by: tokenId,
    at,
    group: plan.group,
    plan_job_id: plan.id,
    segment_id: plan.segment_id,
    auto_enable: plan.auto_enable,
    max_deletions: body?.max_deletions ?? null,
    start_at: body?.start_at ? Date.parse(body.start_at) : null,
  });
  release(space, job, at);
  return { status: 202, body: { job: jobBody(job) } };
}

export const CONTROL_ROUTES = [
  ...Object.keys(CONTROLS).map((name) => ["POST", `deletion_jobs/:/${name}`, null, control(name)]),
  ["POST", "deletion_jobs/:/execute", null, execute],
];
