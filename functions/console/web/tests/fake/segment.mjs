import { isOver, jobBody } from "./job.mjs";
import { eventBody } from "./job_event.mjs";
import { notFound, Problem } from "./problem.mjs";
import { membersOfSegment } from "./segment_job.mjs";
import { time } from "./space.mjs";

/** Makes a segment. */
export function makeSegment(space, { id, name = id, kind = "manual_segment", at = Date.now(), disabled_at = null }) {
  const segment = { id, name, kind, created_at: at, disabled_at };
  space.segments.set(id, segment);
  space.log.append({ event: "segment.created", version: 1, segment_id: id }, at);
  return segment;
}

export function segmentOf(space, id) {
  const segment = space.segments.get(id);
  if (segment === undefined) throw notFound("Segment");
  return segment;
}

/** The job that deletes a segment's users, or did so last. */
export function lastJobOf(space, id) {
  const jobs = [...space.jobs.values()].filter(({ segment_id, dry_run }) => segment_id === id && !dry_run);
  return jobs.sort((a, b) => (a.id < b.id ? 1 : -1))[0];
}

/** Fails where a segment has a job that is not over. */
export function inProgress(space, id) {
  const job = lastJobOf(space, id);
  if (job === undefined || isOver(job)) return;
  const message = `The segment has a job that is not over: ${job.id}.`;
  throw new Problem(409, "job_in_progress", message, { beside: { job_id: job.id } });
}

/** A segment as the API shows it. */
export function segmentBody(space, { id, name, kind, created_at, disabled_at }, { isCounted, isWhole }) {
  const job = lastJobOf(space, id);
  const notifications = isWhole && job ? job.events.slice(-10).reverse() : [];
  return {
    id,
    name,
    kind,
    state: disabled_at === null ? "enabled" : "disabled",
    members: isCounted ? countOf(space, id) : null,
    counted_at: isCounted ? time(Date.now()) : null,
    job: job ? jobBody(job) : null,
    notifications: notifications.map((event) => {
      const { at, kind: what, text } = eventBody(job, event);
      return { at, kind: what, text, job_id: job.id };
    }),
    created_at: time(created_at),
    disabled_at: time(disabled_at),
  };
}

/** The members of a segment; null where it is too large to be counted in a moment. */
export const countOf = (space, id) => (id.includes("uncountable") ? null : membersOfSegment(space, id).length);
