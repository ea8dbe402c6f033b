import { happen, sizeOf } from "./job.mjs";

export const membersOfSegment = (space, id) => [...space.profiles.values()].filter(({ segments }) => segments.has(id));

/** Makes the rows of a job: the members of its segment, or the profiles of its plan. */
export function gather(space, job, at) {
  if (job.plan_job_id !== null) gatherPlan(space, job);
  else job.rows = membersOfSegment(space, job.segment_id).map(({ id }, row) => memberRow(id, row));
  const segment = space.segments.get(job.segment_id);
  if (segment && !job.dry_run) segment.disabled_at ??= at;
  if (isOtherThanExpected(space, job)) {
    job.expected_members = sizeOf(job);
    job.state = "awaiting_approval";
    job.phase = "waiting";
    job.started_at = null;
    job.rows = [];
    happen(space, job, "awaiting_approval", at, { cause: "members_changed", rows: job.expected_members });
    return false;
  }
  job.phase = "deleting";
  return true;
}

const memberRow = (id, row) => ({ page: 0, row, profile: { type: "segment_id", value: id } });

/** Row N is the N-th row that the plan counts as deleted. */
function gatherPlan(space, job) {
  const plan = space.jobs.get(job.plan_job_id);
  const found = plan.results.flatMap(({ found: each }) => (each ? [each] : []));
  job.rows = found.map(({ id, version }, row) => ({ ...memberRow(id, row), version }));
}

function isOtherThanExpected(space, job) {
  if (job.action !== "delete_segment" || job.dry_run || job.plan_job_id !== null) return false;
  const expected = job.expected_members;
  const isFar = Math.abs(sizeOf(job) - expected) > expected / 100;
  const isLarge = space.approvalOver !== null && sizeOf(job) > space.approvalOver && job.approvals.length === 0;
  return isFar || isLarge;
}

/** Looks through the segment. Returns false when the job is done with it. */
export function sweep(space, job, at) {
  const members = membersOfSegment(space, job.segment_id);
  const hasFailed = job.counts.failed > 0 || job.plan_job_id !== null || job.isRedriven;
  const listed = new Set(job.rows.map(({ profile }) => profile.value));
  const added = hasFailed ? [] : members.filter(({ id }) => !listed.has(id));
  job.rows.push(...added.map(({ id }, place) => memberRow(id, job.rows.length + place)));
  job.members_left = members.length - added.length;
  happen(space, job, "sweep", at, { sweep: { added: added.length, removed: 0, left: job.members_left } });
  if (added.length > 0) {
    job.phase = "deleting";
    return true;
  }
  if (job.hasSettled) return false;
  job.hasSettled = true;
  job.phase = "settling";
  job.settles_at = at + space.settlingSeconds * 1_000;
  return true;
}
