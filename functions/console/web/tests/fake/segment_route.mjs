import { randomBytes } from "node:crypto";
import { jobBody, makeJob } from "./job.mjs";
import { carryOutAtOnce } from "./job_clock.mjs";
import { pageOf } from "./page.mjs";
import { badRequest, Problem } from "./problem.mjs";
import { carrierOf, touch } from "./profile.mjs";
import { release } from "./release.mjs";
import { readRow, rowsOf } from "./row.mjs";
import { countOf, inProgress, lastJobOf, makeSegment, segmentBody, segmentOf } from "./segment.mjs";
import { gather, membersOfSegment } from "./segment_job.mjs";

const short = (space, segment) => ({ segment: segmentBody(space, segment, { isCounted: false, isWhole: false }) });

function list(context) {
  const { space, query } = context;
  const isAll = query.get("show_disabled") === "true";
  const all = [...space.segments.values()].filter(({ disabled_at }) => isAll || disabled_at === null);
  const { data, cursor } = pageOf(
    all.sort((a, b) => (a.id < b.id ? -1 : 1)),
    context,
  );
  return { body: { data: data.map((segment) => short(space, segment).segment), cursor } };
}

function create({ space, body, at }) {
  const { id = `seg_${randomBytes(8).toString("hex")}`, name, kind } = body ?? {};
  if (typeof name !== "string" || name.trim() !== name || name === "" || name.length > 100) {
    throw badRequest(
      "The field `name` must have 1 to 100 characters, no control characters and no spaces around them.",
    );
  }
  const before = space.segments.get(id);
  if (before && (before.name !== name || before.kind !== kind)) {
    throw new Problem(
      409,
      "segment_exists",
      "There is a segment with this id and another name or kind; use another id.",
    );
  }
  return { status: before ? 200 : 201, body: short(space, before ?? makeSegment(space, { id, name, kind, at })) };
}

function get({ space, parts, query }) {
  const isCounted = query.get("count") === "true";
  return { body: { segment: segmentBody(space, segmentOf(space, parts[0]), { isCounted, isWhole: true }) } };
}

function rename({ space, parts, body }) {
  const segment = segmentOf(space, parts[0]);
  if (typeof body?.name !== "string" || body.name === "") throw badRequest("The field `name` is missing.");
  segment.name = body.name;
  return { body: short(space, segment) };
}

function remove({ space, parts, at }) {
  const segment = segmentOf(space, parts[0]);
  inProgress(space, segment.id);
  if (membersOfSegment(space, segment.id).length > 0) {
    const message = "The segment has members; remove them first, or delete them with delete_users.";
    throw new Problem(409, "segment_not_empty", message);
  }
  segment.disabled_at = at;
  space.segments.delete(segment.id);
  return { body: short(space, segment) };
}

function disable({ space, parts, at }) {
  const segment = segmentOf(space, parts[0]);
  segment.disabled_at ??= at;
  return { body: short(space, segment) };
}

function enable({ space, parts }) {
  const segment = segmentOf(space, parts[0]);
  const job = lastJobOf(space, segment.id);
  if (job?.started_at !== null) inProgress(space, segment.id);
  segment.disabled_at = null;
  return { body: short(space, segment) };
}

function members(context) {
  const { space, parts } = context;
  const found = membersOfSegment(space, segmentOf(space, parts[0]).id);
  const { data, cursor } = pageOf(found, context);
  return { body: { data: data.map(({ id }) => id), cursor } };
}

function changeMembers(isAdding) {
  const [done, same] = isAdding ? ["added", "already"] : ["removed", "absent"];
  return ({ space, parts, body, contentType, query }) => {
    const segment = segmentOf(space, parts[0]);
    const rows = rowsOf(body, contentType).map((row) => readRow(space, "delete_profile", row));
    const result = { [done]: 0, [same]: 0, not_found: 0, rejected: [], rejected_total: 0, profiles: [] };
    result.rejected = rows.flatMap(({ fault }, row) => (fault ? [{ row, ...fault }] : []));
    result.rejected_total = result.rejected.length;
    if (query.get("check") === "true") return { body: result };
    if (segment.disabled_at !== null) {
      const message = "The segment is disabled: nobody joins or leaves it until it is enabled again.";
      throw new Problem(409, "segment_disabled", message);
    }
    for (const { fault, profile } of rows) {
      const carrier = fault ? undefined : carrierOf(space, profile);
      result.profiles.push(carrier?.id ?? null);
      if (fault) continue;
      if (carrier === undefined) result.not_found += 1;
      else if (carrier.segments.has(segment.id) === isAdding) result[same] += 1;
      else {
        if (isAdding) carrier.segments.add(segment.id);
        else carrier.segments.delete(segment.id);
        touch(space, carrier);
        result[done] += 1;
      }
    }
    return { body: result };
  };
}

function consequences(space, { name }, count) {
  if (count === null) {
    return [
      `"${name}" is too large to be counted in a moment.`,
      'Make a dry run first ("dry_run": true), or send expected_members with confirm.',
    ];
  }
  const are = count === 1 ? `The 1 member of "${name}" is` : `The ${count} members of "${name}" are`;
  const who =
    count === 0
      ? `"${name}" has no members now; nobody is deleted.`
      : `${are} deleted for good: identifiers, traits and all memberships.`;
  return [
    who,
    "Profiles that were merged with a member are deleted with it, and members leave all other segments, too.",
    "The segment is disabled when the job starts: nobody joins it until it is enabled again.",
    `The job looks again ${space.settlingSeconds} seconds after the segment is empty. It can be paused and cancelled; what is deleted stays deleted.`,
  ];
}

function deleteUsers({ space, parts, body, tokenId, at }) {
  const segment = segmentOf(space, parts[0]);
  const given = body ?? {};
  const isDry = given.dry_run === true;
  if (!isDry) inProgress(space, segment.id);
  const count = countOf(space, segment.id);
  const expected = given.expected_members ?? count;
  if (!isDry && (given.confirm !== true || expected === null)) {
    const message = 'Look at the plan, and send "confirm": true if its consequences are accepted.';
    const plan = { members: count, consequences: consequences(space, segment, count) };
    throw new Problem(409, "confirmation_required", message, { beside: { plan } });
  }
  if (!isDry && count !== null && Math.abs(count - expected) > expected / 100) {
    const message = `The segment has ${count} members, which is not what was expected.`;
    throw new Problem(409, "members_changed", message, { beside: { members: count } });
  }
  const job = makeJob(space, {
    action: "delete_segment",
    created_by: tokenId,
    at,
    dry_run: isDry,
    segment_id: segment.id,
    expected_members: isDry ? null : expected,
    max_deletions: isDry ? null : (given.max_deletions ?? null),
    auto_enable: given.auto_enable ?? false,
    start_at: given.start_at ? Date.parse(given.start_at) : null,
  });
  if (isDry) {
    gather(space, job, at);
    carryOutAtOnce(space, job, at);
    return { body: { job: jobBody(job), plan: jobBody(job).plan } };
  }
  job.phase = "waiting";
  release(space, job, at);
  return { status: 202, body: { job: jobBody(job) } };
}

export const SEGMENT_ROUTES = [
  ["GET", "segments", "read_segments", list],
  ["POST", "segments", "manage_segments", create],
  ["GET", "segments/:", "read_segments", get],
  ["PATCH", "segments/:", "manage_segments", rename],
  ["DELETE", "segments/:", "manage_segments", remove],
  ["POST", "segments/:/disable", "manage_segments", disable],
  ["POST", "segments/:/enable", "manage_segments", enable],
  ["GET", "segments/:/members", "read_segments", members],
  ["POST", "segments/:/members", "manage_segments", changeMembers(true)],
  ["POST", "segments/:/members/remove", "manage_segments", changeMembers(false)],
  ["POST", "segments/:/delete_users", "manage_segments", deleteUsers],
];
