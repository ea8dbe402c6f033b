import { createHash } from "node:crypto";
import { identifiersOf, keyOf, membersOf } from "./profile.mjs";
import { time } from "./space.mjs";

/** Deletes an identifier and keeps the record. `by` is who: the token, the request, and the job and row if any. */
export function removeIdentifier(space, found, by) {
  const key = keyOf(space, found.type, found.id);
  space.identifiers.delete(key);
  const reason = by.job_id ? "job" : "request";
  const facts = {
    event: "identifier.removed",
    id_type: found.type,
    subject: found.subject,
    normalisation: space.types.get(found.type),
    generation: found.generation + 1,
    token_id: by.token_id,
    request_id: by.request_id,
    job_id: by.job_id,
    reason,
  };
  const entry = space.log.append(facts, by.at, { key, nonce: found.nonce, page: by.page, row: by.row });
  space.deletions.set(key, {
    type: found.type,
    deleted_at: by.at,
    request_id: by.request_id,
    token_id: by.token_id,
    reason,
    job_id: by.job_id ?? null,
    profile: found.profile,
    generation: found.generation + 1,
    entry,
  });
}

/** Deletes a root and all that was merged into it. */
export function removeProfile(space, root, by) {
  const members = membersOf(space, root);
  const identifiers = identifiersOf(space, root);
  const traits = new Set(members.flatMap((profile) => Object.keys(profile.traits)));
  const counts = {
    external_ids: identifiers.length,
    memberships: members.reduce((sum, { segments }) => sum + segments.size, 0),
    merges: members.length - 1,
    traits: traits.size,
  };
  for (const found of identifiers) removeIdentifier(space, found, by);
  for (const { id } of members) {
    space.profiles.delete(id);
    space.deletions.set(`profile\0${id}`, { deleted_at: by.at, request_id: by.request_id, job_id: by.job_id ?? null });
  }
  const subject = createHash("sha256").update(root.id).digest("base64url");
  const about = { event: "profile.deleted", subject, subject_kind: "profile" };
  const facts = { ...about, token_id: by.token_id, request_id: by.request_id, job_id: by.job_id };
  space.log.append({ ...facts, reason: by.job_id ? "job" : "request", counts }, by.at);
  return counts;
}

/** The record of a deletion as the API shows it. */
export function recordBody(space, identifier, { type, deleted_at, request_id, token_id, reason, job_id, entry }) {
  const hasLog = space.hasJournal;
  const colon = identifier.indexOf(":");
  const path = `${identifier.slice(0, colon)}:${encodeURIComponent(identifier.slice(colon + 1))}`;
  return {
    type,
    status: "deleted",
    deleted_at: time(deleted_at),
    request_id,
    token_id,
    reason,
    job_id,
    receipt_url: hasLog ? `/v1/spaces/${space.id}/receipts/${path}` : null,
    propagation: propagation(space, entry, deleted_at),
  };
}

/** Where a change has arrived. */
export function propagation(space, entry, at) {
  const store = { state: "done", at: time(at) };
  if (!space.hasJournal) return { store, log: { state: "off", at: null, index: null } };
  const isPublished = entry !== undefined && entry.index < space.log.size();
  return {
    store,
    log: {
      state: isPublished ? "done" : "pending",
      at: isPublished ? time(entry.at + 2_000) : null,
      index: entry?.index ?? null,
    },
  };
}
