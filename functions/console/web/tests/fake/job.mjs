import { digestOf } from "./job_digest.mjs";
import { dashed, time, uuid7 } from "./space.mjs";

const OUTCOMES = ["deleted", "duplicate", "not_found", "invalid", "protected", "failed", "changed"];
export const noCounts = () => Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
export const totalOf = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
export const isOver = ({ state }) => state === "completed" || state === "cancelled";

/** A new job, which has no rows yet. `at` is when it was made. */
export function makeJob(space, { action, created_by, at = Date.now(), ...given }) {
  const hex = uuid7(at);
  const job = {
    id: `job_${hex}`,
    request_id: dashed(hex),
    action,
    created_by,
    created_at: at,
    state: "open",
    /** Since when it has the state. */
    since: at,
    group: null,
    dry_run: false,
    start_at: null,
    max_deletions: null,
    plan_job_id: null,
    phase: null,
    segment_id: null,
    expected_members: null,
    members_left: null,
    settles_at: null,
    auto_enable: null,
    approvals: [],
    started_at: null,
    finished_at: null,
    verified_at: null,
    stopped: false,
    plan: null,
    rows: [],
    pages: new Map(),
    /** The results by place of the row, and the place of the next row that has none. */
    results: [],
    next: 0,
    counts: noCounts(),
    events: [],
    /** Deletions that `max_deletions` still allows. */
    allowed: Number.POSITIVE_INFINITY,
    /** Rows a second; null: by the number of rows. */
    rate: null,
    /** Whether it stays as it is, however late it gets. */
    isHeld: false,
    isRedriven: false,
    seen: new Set(),
    extent: { identifiers: 0, merges: 0, memberships: 0 },
    ...given,
  };
  if (job.max_deletions !== null) job.allowed = job.max_deletions;
  space.jobs.set(job.id, job);
  happen(space, job, "created", at, { token_id: created_by, rows: null });
  return job;
}

/** The number of rows; those of a large made-up job do not exist one by one. */
export const sizeOf = (job) => job.size ?? job.rows.length;

export const remainingOf = (job) => sizeOf(job) - totalOf(job.counts);

const LOGGED = new Set(["created", "approved", "rejected", "started", "paused", "resumed", "cancelled", "completed"]);

/** Notes that something happened to a job, in its events and in the log. */
export function happen(space, job, kind, at, { token_id = null, cause = null, rows = sizeOf(job), sweep = null } = {}) {
  const hasCounts = ["progress", "completed", "verified"].includes(kind);
  const counts = hasCounts ? { ...job.counts } : null;
  job.events.push({
    at,
    kind,
    token_id,
    cause,
    rows,
    counts,
    sweep,
    start_at: kind === "scheduled" ? job.start_at : null,
  });
  if (!LOGGED.has(kind) && kind !== "verified" && kind !== "redriven") return;
  const isEnd = kind === "completed" || kind === "verified" || kind === "cancelled";
  job.logged = (job.logged ?? 0) + 1;
  const facts = { event: `job.${kind}`, version: job.logged, token_id, request_id: job.request_id, job_id: job.id };
  const end = isEnd ? { counts: { ...job.counts, rows: sizeOf(job) } } : {};
  if (kind === "verified") end.digest = digestOf(job);
  const dry = job.dry_run ? { reason: "dry_run" } : {};
  const entry = space.log.append({ ...facts, ...dry, ...end, segment_id: job.segment_id }, at);
  if (isEnd) job.end = entry;
}

/** How a job ended. */
function verdictOf(job) {
  if (job.state === "cancelled") return "stopped";
  if (job.state !== "completed") return null;
  const { failed, protected: kept, changed, invalid, deleted, duplicate } = job.counts;
  if (failed + kept + changed + invalid + (job.members_left ?? 0) > 0) return "partial";
  return deleted + duplicate > 0 || sizeOf(job) === 0 ? "complete" : "nothing_matched";
}

/** A job as the API shows it. */
export function jobBody(job) {
  const remaining = remainingOf(job);
  const seconds = job.started_at === null ? 0 : ((job.finished_at ?? Date.now()) - job.started_at) / 1_000;
  const decided = totalOf(job.counts);
  const speed =
    !(job.isHeld && job.finished_at === null) && seconds > 0.1 && decided > 0
      ? Math.round((decided / seconds) * 10) / 10
      : null;
  const estimate = job.state === "running" && speed !== null ? Date.now() + (remaining / speed) * 1_000 : null;
  return {
    id: job.id,
    action: job.action,
    state: job.state,
    rows: sizeOf(job),
    counts: { ...job.counts },
    remaining,
    running_chunks: ["running", "pausing", "cancelling"].includes(job.state)
      ? Math.min(4, Math.ceil(remaining / 500))
      : 0,
    stopped: job.stopped,
    group: job.group,
    created_at: time(job.created_at),
    start_at: time(job.start_at),
    approvals: job.approvals.map(({ token_id, at }) => ({ token_id, at: time(at) })),
    started_at: time(job.started_at),
    finished_at: time(job.finished_at),
    verdict: verdictOf(job),
    verified_at: time(job.verified_at),
    created_by: job.created_by,
    rows_per_second: speed,
    estimated_finish_at: time(estimate),
    dry_run: job.dry_run,
    max_deletions: job.max_deletions,
    plan_job_id: job.plan_job_id,
    phase: job.phase,
    segment_id: job.segment_id,
    expected_members: job.expected_members,
    members_left: job.members_left,
    settles_at: time(job.settles_at),
    auto_enable: job.auto_enable,
    plan: job.plan && { ...job.plan, digest: job.verified_at === null ? null : job.plan.digest },
  };
}
