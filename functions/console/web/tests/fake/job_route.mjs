import { outcomeBody } from "./decide.mjs";
import { jobBody, makeJob, noCounts, remainingOf, sizeOf } from "./job.mjs";
import { jobOf, mayCreate } from "./job_access.mjs";
import { carryOutAtOnce } from "./job_clock.mjs";
import { CONTROL_ROUTES } from "./job_control.mjs";
import { eventBody } from "./job_event.mjs";
import { linkOf, pageOf } from "./page.mjs";
import { badRequest, forbidden, invalidState, Problem } from "./problem.mjs";
import { release } from "./release.mjs";
import { need, PERMISSION_OF } from "./role.mjs";
import { readRow } from "./row.mjs";

function list(context) {
  const { space, role, tokenId, query } = context;
  const isMine = query.get("created_by") === "me";
  if (!isMine) need(role, "read_jobs");
  else if (!mayCreate(role)) throw forbidden("create jobs");
  const [group, state] = [query.get("group"), query.get("state")];
  const fits = (job) =>
    (!isMine || job.created_by === tokenId) && (!group || job.group === group) && (!state || job.state === state);
  const fitting = [...space.jobs.values()].filter(fits).sort((a, b) => (a.id < b.id ? 1 : -1));
  const { data, cursor } = pageOf(fitting, context);
  const summed = (isMine ? data : fitting).filter(({ dry_run }) => !dry_run);
  const counts = noCounts();
  for (const job of summed) for (const outcome of Object.keys(counts)) counts[outcome] += job.counts[outcome];
  const sum = (of) => summed.reduce((total, job) => total + of(job), 0);
  const sums = { counts, jobs: summed.length, rows: sum(sizeOf), remaining: sum(remainingOf) };
  const isComplete = isMine ? !cursor.has_more && !query.get("next") : fitting.length <= 5_000;
  return { body: { data: data.map(jobBody), ...sums, is_complete: isComplete, cursor } };
}

function create({ space, role, tokenId, body, at }) {
  const { action, rows = [], open = false, dry_run = false, group = null, max_deletions = null } = body ?? {};
  if (action !== "delete_profile" && action !== "delete_identifier") {
    throw badRequest("The field `action` must be `delete_profile` or `delete_identifier`.");
  }
  need(role, PERMISSION_OF[action]);
  if (!Array.isArray(rows) || (rows.length === 0 && !open)) throw badRequest("The field `rows` has no rows.");
  if (group !== null && !/^[!-~]([ -~]{0,126}[!-~])?$/.test(group)) {
    throw badRequest("The field `group` must have 1 to 128 printable ASCII characters.");
  }
  const startAt = body.start_at ? Date.parse(body.start_at) : null;
  const job = makeJob(space, { action, created_by: tokenId, at, group, dry_run, max_deletions, start_at: startAt });
  const result = addPage(space, job, 0, rows);
  const isSmall = rows.length <= 10_000 && group !== "slow plan";
  if (!open && dry_run && isSmall) {
    carryOutAtOnce(space, job, at);
    const { near_misses, ...plan } = jobBody(job).plan;
    return {
      body: { job: { ...jobBody(job), plan }, ...result, plan: { ...plan, ...(near_misses && { near_misses }) } },
    };
  }
  if (!open) release(space, job, at);
  return { status: 202, body: { job: jobBody(job), ...result } };
}

/** Adds a page of rows: how many were accepted, and which were not. */
function addPage(space, job, page, rows) {
  const read = rows.map((row, number) => ({ page, row: number, ...readRow(space, job.action, row) }));
  const rejected = [];
  for (const row of read) {
    if (row.fault) {
      job.results[job.rows.length] = { outcome: "invalid" };
      job.counts.invalid += 1;
      rejected.push({ row: row.row, ...row.fault });
    }
    job.rows.push(row);
  }
  const result = {
    accepted: rows.length - rejected.length,
    rejected: rejected.slice(0, 1_000),
    rejected_total: rejected.length,
  };
  job.pages.set(page, { content: JSON.stringify(rows), result });
  return result;
}

function addRows(context) {
  const { space, role, body, parts } = context;
  const job = jobOf(context, parts[0]);
  need(role, PERMISSION_OF[job.action]);
  const { page, rows } = body ?? {};
  if (!Number.isInteger(page) || page < 0) throw badRequest("The field `page` must be a number.");
  const before = job.pages.get(page);
  if (before !== undefined) {
    if (before.content === JSON.stringify(rows)) return { status: 202, body: { job: jobBody(job), ...before.result } };
    const message = `Page ${page} was posted with other rows before; send the same rows again, or use another number.`;
    throw new Problem(409, "page_conflict", message);
  }
  if (job.state !== "open") throw invalidState(job.state, "given rows");
  if (/fails_upload/.test(JSON.stringify(rows)) && !job.hasFailedUpload) {
    job.hasFailedUpload = true;
    throw new Problem(503, "service_unavailable", "The service is temporarily unavailable.", {});
  }
  const result = addPage(space, job, page, rows);
  return { status: 202, body: { job: jobBody(job), ...result } };
}

function get(context) {
  return { body: { job: jobBody(jobOf(context, context.parts[0])) }, isTagged: true };
}

function events(context) {
  const job = jobOf(context, context.parts[0]);
  const { data, cursor } = pageOf(job.events, context);
  return { body: { dry_run: job.dry_run, data: data.map((event) => eventBody(job, event)), cursor } };
}

/** The rows of a job that have an outcome. Those of a large made-up job are made up when they are asked for. */
function decided(job, outcome) {
  const fits = ({ result }) => result !== undefined && (!outcome || result.outcome === outcome);
  if (job.size === undefined) return job.rows.map((row, at) => ({ row, result: job.results[at] })).filter(fits);
  const found = [];
  for (let at = 0; at < job.next && found.length < 1_000; at += 1) {
    const entry = {
      row: { page: Math.floor(at / 100_000), row: at % 100_000 },
      result: { outcome: job.outcomeAt(at) },
    };
    if (fits(entry)) found.push(entry);
  }
  return found;
}

const cell = (text) => (/[",\n\r]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : String(text));

function outcomes(context) {
  const job = jobOf(context, context.parts[0]);
  const page = pageOf(decided(job, context.query.get("outcome")), context, 1_000);
  const data = page.data.map(({ row, result }) => outcomeBody(job, row, result));
  if (!context.accept.includes("text/csv")) return { body: { dry_run: job.dry_run, data, cursor: page.cursor } };
  const lines = data.map((each) => [each.page, each.row, each.outcome, each.code, each.message, job.dry_run]);
  const table = [["page", "row", "outcome", "code", "message", "dry_run"], ...lines];
  const text = table.map((line) => `${line.map((each) => cell(each)).join(",")}\r\n`).join("");
  return { text, headers: { "Content-Type": "text/csv; charset=utf-8", ...linkOf(page, context) } };
}

export const JOB_ROUTES = [
  ["GET", "deletion_jobs", null, list],
  ["POST", "deletion_jobs", null, create],
  ["GET", "deletion_jobs/:", null, get],
  ["POST", "deletion_jobs/:/rows", null, addRows],
  ["GET", "deletion_jobs/:/events", null, events],
  ["GET", "deletion_jobs/:/outcomes", null, outcomes],
  ...CONTROL_ROUTES,
];
