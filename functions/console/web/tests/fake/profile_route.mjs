import { countsByDay } from "./counts.mjs";
import { propagation, recordBody, removeIdentifier, removeProfile } from "./deletion.mjs";
import { jobBody, makeJob } from "./job.mjs";
import { carryOutAtOnce } from "./job_clock.mjs";
import { pageOf } from "./page.mjs";
import { badRequest, notFound, Problem, quoted, unsupportedType } from "./problem.mjs";
import {
  carrierOf,
  identifierBody,
  identifiersOf,
  keyOf,
  membersOf,
  rootOf,
  rootOfPath,
  selectorOf,
  traitsOf,
} from "./profile.mjs";
import { profilePlan } from "./profile_plan.mjs";
import { time } from "./space.mjs";

const included = (query) => {
  const names = query.get("include");
  return names === null ? () => true : (name) => names.split(",").includes(name);
};
const isVerbose = (query) => query.get("verbose") === "true";

function listIdentifiers(context) {
  const { space, parts, query } = context;
  const root = rootOfPath(space, parts[0]);
  const isIn = included(query);
  const found = identifiersOf(space, root).filter(({ type }) => isIn(type));
  const { data, cursor } = pageOf(found, context);
  return { body: { data: data.map((each) => identifierBody(each, isVerbose(query))), cursor } };
}

function listTraits(context) {
  const { space, parts, query } = context;
  const isIn = included(query);
  const all = traitsOf(space, rootOfPath(space, parts[0])).filter(([name]) => isIn(name));
  const { data, cursor } = pageOf(all, context);
  const shown = ({ value, updated_at }) =>
    isVerbose(query) ? { value, source_id: null, updated_at: time(updated_at) } : value;
  return { body: { traits: Object.fromEntries(data.map(([name, trait]) => [name, shown(trait)])), cursor } };
}

function readMetadata({ space, parts }) {
  const root = rootOfPath(space, parts[0]);
  const members = membersOf(space, root);
  const metadata = {
    segment_id: root.id,
    created_at: time(Math.min(...members.map(({ created_at }) => created_at))),
    updated_at: time(Math.max(...members.map(({ updated_at }) => updated_at))),
    expires_at: null,
    first_message_id: null,
    first_source_id: null,
    last_message_id: null,
    last_source_id: null,
  };
  return { body: { metadata } };
}

function deleteIdentifier({ space, parts, body, at, tokenId, requestId }) {
  const lookup = selectorOf(parts[0]);
  if (lookup.type !== "user_id") {
    throw badRequest(`Invalid URL: valid \`user_id\` is required. Unsupported ${quoted(lookup.type)}.`);
  }
  const [target, ...more] = body?.delete_external_ids ?? [];
  if (target === undefined || more.length > 0) throw badRequest("Only one external_id can be deleted at a time.");
  if (target.type === "group_id" || !space.types.has(target.type)) throw unsupportedType();
  const key = keyOf(space, target.type, target.id);
  if (key === keyOf(space, lookup.type, lookup.value)) {
    throw badRequest("External id specification must differ from lookup id.");
  }
  const carrier = carrierOf(space, lookup);
  if (carrier === undefined) throw new Problem(404, "not_found", "The resource was not found.");
  const found = space.identifiers.get(key);
  if (found === undefined || rootOf(space, space.profiles.get(found.profile)) !== rootOf(space, carrier)) {
    throw new Problem(404, "eid_not_found", "External identifier not found.");
  }
  removeIdentifier(space, found, { at, token_id: tokenId, request_id: requestId });
  return { body: { code: "success", message: "External identifier has been deleted." } };
}

function deleteProfile({ space, parts, at, tokenId }) {
  const root = rootOfPath(space, parts[0]);
  const job = makeJob(space, { action: "delete_profile", created_by: tokenId, at });
  const by = { at, token_id: tokenId, request_id: job.request_id, job_id: job.id, page: 0, row: 0 };
  job.rows = [{ page: 0, row: 0, profile: selectorOf(parts[0]) }];
  const isLarge = identifiersOf(space, root).some(({ id }) => id.includes("takes_long"));
  if (isLarge) {
    job.state = "queued";
    return { status: 202, body: { job: jobBody(job) } };
  }
  job.results = [{ outcome: "deleted" }];
  job.counts.deleted = 1;
  job.next = 1;
  const counts = removeProfile(space, root, by);
  carryOutAtOnce(space, job, at);
  const receipt = {
    request_id: job.request_id,
    job_id: job.id,
    deleted_at: time(at),
    gone_at: time(at + 64),
    counts,
    receipt_url: space.hasJournal ? `/v1/spaces/${space.id}/deletion_jobs/${job.id}/receipt` : null,
    propagation: propagation(space, undefined, at),
  };
  return { body: { receipt } };
}

function readDeletion({ space, parts }) {
  const { type, value } = selectorOf(parts[0]);
  if (!space.types.has(type)) throw unsupportedType();
  const key = keyOf(space, type, value);
  const record = space.identifiers.has(key) ? undefined : space.deletions.get(key);
  if (record === undefined) throw notFound("Deletion");
  return { body: { deletion: recordBody(space, parts[0], record) } };
}

const PROFILE = "collections/users/profiles/:";

export const PROFILE_ROUTES = [
  ["GET", `${PROFILE}/external_ids`, "read_profiles", listIdentifiers],
  ["GET", `${PROFILE}/traits`, "read_profiles", listTraits],
  ["GET", `${PROFILE}/metadata`, "read_profiles", readMetadata],
  ["POST", `${PROFILE}/plan`, "read_profiles", profilePlan],
  ["POST", `${PROFILE}/external_ids/delete`, "delete_identifiers", deleteIdentifier],
  ["DELETE", PROFILE, "delete_profiles", deleteProfile],
  ["GET", "deletions/counts", "read_deletions", countsByDay],
  ["GET", "deletions/:", "read_deletions", readDeletion],
];
