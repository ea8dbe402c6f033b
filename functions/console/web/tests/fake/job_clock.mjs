import { decide } from "./decide.mjs";
import { happen, isOver, remainingOf, sizeOf, totalOf } from "./job.mjs";
import { planOf } from "./plan.mjs";
import { gather, sweep } from "./segment_job.mjs";

/** How many times as fast the time of a scheduled job passes. */
export const pace = { hurry: 1 };

/** How long a job stays in a state that it leaves by itself, in milliseconds. */
const QUEUED_MS = 700;
const ENDING_MS = 700;
const VERIFY_MS = 1_200;
const STEP_MS = 700;

/** Rows a second of a job that nothing else says of: a small one takes seconds. */
const MOST_RATE = 1_500;

/** Moves every job of a space to where it is by now. Nothing runs in between: time is looked at when somebody asks. */
export function advanceAll(space, now = Date.now()) {
  for (const job of space.jobs.values()) advance(space, job, now);
}

/** Moves a job to where it is by now. */
export function advance(space, job, now = Date.now()) {
  if (job.isHeld) return;
  while (step(space, job, now)) {
    // Each step has changed the state, or the phase.
  }
}

function become(job, state, at) {
  job.state = state;
  job.since = at;
  return true;
}

function step(space, job, now) {
  const after = (delay) => now - job.since >= delay;
  switch (job.state) {
    case "scheduled":
      return now >= dueOf(job) && queue(space, job, dueOf(job));
    case "queued":
      return after(QUEUED_MS) && begin(space, job, job.since + QUEUED_MS);
    case "running":
      return run(space, job, now);
    case "pausing":
      return after(ENDING_MS) && become(job, "paused", job.since + ENDING_MS);
    case "cancelling":
      return after(ENDING_MS) && end(space, job, "cancelled", job.since + ENDING_MS);
    case "completed":
      return job.verified_at === null && after(VERIFY_MS) && verify(space, job);
    default:
      return false;
  }
}

/** Starts a job whose time, and approval, have come. */
export function queue(space, job, at) {
  if (job.phase === null && (job.action === "delete_segment" || job.plan_job_id !== null)) job.phase = "waiting";
  happen(space, job, "started", at);
  return become(job, "queued", at);
}

/** When a scheduled job starts: at its time, or sooner where the fake is in a hurry. */
function dueOf({ since, start_at }) {
  return since + (start_at - since) / pace.hurry;
}

function begin(space, job, at) {
  if (job.action === "delete_segment" && !job.dry_run && job.phase === "waiting" && isTurnTaken(space, job))
    return false;
  if (job.phase === "waiting") job.phase = "preparing";
  job.started_at ??= at;
  return become(job, "running", at);
}

/** Whether another job of the space empties a segment now. */
function isTurnTaken(space, job) {
  return [...space.jobs.values()].some(
    (other) =>
      other !== job &&
      other.action === "delete_segment" &&
      !other.dry_run &&
      !isOver(other) &&
      other.started_at !== null &&
      !other.isHeld,
  );
}

function run(space, job, now) {
  if (job.phase === "preparing" || job.phase === "sweeping") {
    if (now - job.since < STEP_MS) return false;
    const at = job.since + STEP_MS;
    job.since = at;
    return job.phase === "preparing" ? gather(space, job, at) : sweep(space, job, at) || finish(space, job, at);
  }
  if (job.phase === "settling") {
    if (now < job.settles_at) return false;
    job.since = job.settles_at;
    job.phase = "sweeping";
    return true;
  }
  return carryOut(space, job, now);
}

/** Gives rows their outcomes, as many as the time since the last look allows. */
function carryOut(space, job, now) {
  const rate = job.rate ?? Math.min(MOST_RATE, Math.max(8, sizeOf(job) / 6));
  const budget = Math.floor(((now - job.since) / 1_000) * rate);
  const from = job.since;
  for (let done = 1; done <= budget && job.next < sizeOf(job); done += 1) {
    const at = from + (done / rate) * 1_000;
    job.since = at;
    decideNext(space, job, at);
    if (job.allowed <= 0 && remainingOf(job) > 0) {
      happen(space, job, "paused", at, { cause: "max_deletions" });
      return become(job, "paused", at);
    }
  }
  if (job.next < sizeOf(job)) return false;
  if (job.action === "delete_segment" && !job.dry_run) {
    job.phase = "sweeping";
    return true;
  }
  return finish(space, job, job.since);
}

function decideNext(space, job, at) {
  const place = job.next;
  job.next += 1;
  if (job.size !== undefined) count(job, job.outcomeAt(place));
  else if (job.results[place] === undefined) {
    job.results[place] = decide(space, job, job.rows[place], at);
    count(job, job.results[place].outcome);
  }
  const tenths = Math.floor((totalOf(job.counts) * 10) / sizeOf(job));
  if (tenths > (job.tenths ?? 0) && tenths < 10) {
    job.tenths = tenths;
    happen(space, job, "progress", at);
  }
}

function count(job, outcome) {
  job.counts[outcome] += 1;
  if (outcome === "deleted") job.allowed -= 1;
}

/** Carries a whole job out at this moment: a dry run that is small. */
export function carryOutAtOnce(space, job, at) {
  job.started_at = at;
  while (job.next < sizeOf(job)) decideNext(space, job, at);
  finish(space, job, at);
  verify(space, job, at);
}

function finish(space, job, at) {
  if (job.dry_run) job.plan = planOf(job);
  job.phase = null;
  job.settles_at = null;
  return end(space, job, "completed", at);
}

function end(space, job, state, at) {
  job.finished_at = at;
  become(job, state, at);
  if (state === "completed") happen(space, job, "completed", at);
  const segment = space.segments.get(job.segment_id);
  const isDone = state === "completed" && job.counts.failed === 0 && !job.members_left && !job.dry_run;
  if (segment && job.auto_enable && isDone) segment.disabled_at = null;
  return true;
}

function verify(space, job, at = job.since + VERIFY_MS) {
  job.verified_at = at;
  happen(space, job, "verified", at);
  return true;
}
