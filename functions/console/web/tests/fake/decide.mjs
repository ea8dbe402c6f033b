import { removeIdentifier, removeProfile } from "./deletion.mjs";
import { carrierOf, identifiersOf, keyOf, membersOf, rootOf } from "./profile.mjs";

/** Values with this text fail until the job is redriven; those with the other one fail always. */
const FAILS = [/fails_once/, /fails_always/];

/**
 * What a row comes to. A dry run changes nothing: it notes in `job.seen` what earlier rows would have deleted, and adds
 * up in `job.extent` what would go. Returns the outcome, and a code where that says more.
 */
export function decide(space, job, row, at) {
  if (row.fault) return { outcome: "invalid" };
  const named = row.identifier ?? row.profile;
  if (FAILS[1].test(named.value) || (FAILS[0].test(named.value) && !job.isRedriven)) return { outcome: "failed" };
  return row.identifier ? decideIdentifier(space, job, row, at) : decideProfile(space, job, row, at);
}

const byOf = (job, row, at) => ({
  at,
  token_id: job.created_by,
  request_id: job.request_id,
  job_id: job.id,
  page: row.page,
  row: row.row,
});

function decideProfile(space, job, row, at) {
  const carrier = carrierOf(space, row.profile);
  if (carrier === undefined) return nothing(space, job, row.profile);
  const root = rootOf(space, carrier);
  if (job.seen.has(root.id)) return { outcome: "duplicate" };
  if (row.version !== undefined && row.version !== root.version) return { outcome: "changed" };
  const identifiers = identifiersOf(space, root).length;
  if (!job.dry_run) {
    removeProfile(space, root, byOf(job, row, at));
    return { outcome: "deleted" };
  }
  const members = membersOf(space, root);
  job.seen.add(root.id);
  job.extent.identifiers += identifiers;
  job.extent.merges += members.length - 1;
  job.extent.memberships += members.reduce((sum, { segments }) => sum + segments.size, 0);
  return { outcome: "deleted", found: { id: root.id, version: root.version } };
}

/** Why a row finds nothing. */
function nothing(space, job, { type, value }) {
  const record = space.deletions.get(type === "segment_id" ? `profile\0${value}` : keyOf(space, type, value));
  if (record !== undefined && isOwn(space, job, record)) return { outcome: "duplicate" };
  if (record !== undefined) return { outcome: "not_found", code: "deleted_before", earlier: earlier(record) };
  if (job.dry_run && type !== "segment_id") {
    const finds = (other) => other !== value && carrierOf(space, { type, value: other }) !== undefined;
    if ([value.toLowerCase(), value.toUpperCase()].some(finds)) return { outcome: "not_found", code: "other_case" };
    const trimmed = value.trim().normalize("NFC");
    if ([trimmed, trimmed.toLowerCase()].some(finds)) return { outcome: "not_found", code: "other_form" };
  }
  return { outcome: "not_found", code: "not_found" };
}

const earlier = ({ deleted_at, request_id, job_id }) => ({
  deleted_at: new Date(deleted_at).toISOString(),
  request_id,
  job_id,
});

/** Whether another row of the same job, or of its group, deleted it. */
function isOwn(space, job, { job_id }) {
  if (job_id === job.id) return true;
  return job.group !== null && job_id !== null && space.jobs.get(job_id)?.group === job.group;
}

function decideIdentifier(space, job, row, at) {
  const { profile, identifier } = row;
  const carrier = carrierOf(space, profile);
  if (carrier === undefined) {
    const { code, earlier: before } = nothing(space, job, profile);
    const isBefore = code === "deleted_before";
    return { outcome: "not_found", code: isBefore ? "profile_deleted_before" : "profile_not_found", earlier: before };
  }
  const key = keyOf(space, identifier.type, identifier.value);
  const found = space.identifiers.get(key);
  if (found === undefined || rootOf(space, space.profiles.get(found.profile)) !== rootOf(space, carrier)) {
    const before = nothing(space, job, identifier);
    if (before.outcome === "duplicate" || before.code === "deleted_before") return before;
    return { outcome: "not_found", code: "eid_not_found" };
  }
  if (job.seen.has(key)) return { outcome: "duplicate" };
  const userIds = identifiersOf(space, rootOf(space, carrier)).filter(({ type }) => type === "user_id");
  const isLookup = key === keyOf(space, profile.type, profile.value);
  if (isLookup || (found.type === "user_id" && userIds.length === 1)) return { outcome: "protected" };
  if (job.dry_run) {
    job.seen.add(key);
    job.extent.identifiers += 1;
  } else removeIdentifier(space, found, byOf(job, row, at));
  return { outcome: "deleted" };
}

const TEXTS = {
  deleted: "It has been deleted.",
  duplicate: "Another row of this job or group deleted it.",
  not_found: "There is no such profile, and no record of its deletion.",
  invalid: "The row can't be read.",
  protected: "It finds its own profile, or the profile would be left without a user_id.",
  changed: "The profile was added to or merged since it was planned; nothing was deleted.",
  failed: "It could not be done; redrive the job to try again.",
  profile_not_found: "What names the profile finds none, and there is no record of its deletion.",
  eid_not_found: "The profile is there, but has no such identifier, and there is no record of its deletion.",
  other_case: "It is not found as it is written, but would be in lower or in upper case.",
  other_form:
    "It is not found as it is written, but would be without surrounding blanks or invisible characters or in NFC.",
};

const DRY_TEXTS = {
  deleted: "It would be deleted; this is a dry run.",
  duplicate: "Another row of this dry run names the same.",
  failed: "It could not be looked up; redrive the dry run to try again.",
};

/** A row's outcome as the list of outcomes shows it. */
export function outcomeBody(job, { page, row, fault }, { outcome, code = outcome, earlier: before }) {
  const body = { page, row, outcome, code, message: (job.dry_run && DRY_TEXTS[code]) || TEXTS[code] };
  if (fault) return { ...body, ...fault };
  if (!before) return body;
  const what = code === "deleted_before" ? "It was deleted before" : "What names the profile was deleted before";
  const by = before.job_id ? `by the job ${before.job_id}` : `by the request ${before.request_id}`;
  return { ...body, message: `${what}, at ${before.deleted_at} ${by}.`, earlier_deletion: before };
}
