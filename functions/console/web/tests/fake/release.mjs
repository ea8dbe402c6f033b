import { happen, sizeOf } from "./job.mjs";
import { queue } from "./job_clock.mjs";

/** Whether a job, with the others of its group, has more rows than one person may delete. */
export function needsApproval(space, job) {
  if (space.approvalOver === null || job.dry_run || job.approvals.length > 0) return false;
  const inGroup = (other) => other !== job && !other.dry_run && job.group !== null && other.group === job.group;
  const others = [...space.jobs.values()].filter(inGroup).reduce((sum, other) => sum + sizeOf(other), 0);
  const own = job.expected_members ?? (job.plan_job_id ? space.jobs.get(job.plan_job_id).counts.deleted : sizeOf(job));
  return own + others > space.approvalOver;
}

/** What becomes of a job that is complete, started or approved. */
export function release(space, job, at) {
  job.since = at;
  if (needsApproval(space, job)) {
    job.state = "awaiting_approval";
    happen(space, job, "awaiting_approval", at, { rows: job.expected_members ?? sizeOf(job) });
  } else if (job.start_at !== null && job.start_at > at) {
    job.state = "scheduled";
    happen(space, job, "scheduled", at);
  } else queue(space, job, at);
}
