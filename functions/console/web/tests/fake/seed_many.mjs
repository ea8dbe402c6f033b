import { makeJob } from "./job.mjs";
import { addProfile } from "./profile.mjs";
import { tokenId } from "./role.mjs";
import { makeSegment } from "./segment.mjs";

const MINUTE = 60_000;
const JOBS = 10_000;
const SEGMENTS = 500;
const PEOPLE = 1_000;

/** Much of everything. */
export function seedMany(space) {
  const start = Date.now() - (JOBS + 10) * MINUTE;
  for (let number = 0; number < SEGMENTS; number += 1) {
    const id = `seg_${String(number).padStart(3, "0")}`;
    makeSegment(space, { id, name: `Segment ${number}`, at: start, disabled_at: number % 9 === 0 ? start : null });
  }
  for (let number = 0; number < PEOPLE; number += 1) {
    const ids = [
      { type: "user_id", id: `many_${number}` },
      { type: "email", id: `many${number}@example.com` },
    ];
    const segments = [`seg_${String(number % 5).padStart(3, "0")}`];
    addProfile(space, { external_ids: ids, segments, traits: { number }, at: start });
  }
  const ids = Array.from({ length: 150 }, (_, place) => ({ type: "anonymous_id", id: `device-${place}` }));
  addProfile(space, { external_ids: [{ type: "user_id", id: "many_identifiers" }, ...ids], at: start });
  for (let number = 0; number < JOBS; number += 1) addJob(space, number, start + number * MINUTE);
}

function addJob(space, number, at) {
  const size = 1 + (number % 400);
  const job = makeJob(space, {
    action: number % 3 === 0 ? "delete_identifier" : "delete_profile",
    created_by: tokenId(number % 2 ? "eff_privacy_admin" : "eff_workspace_owner"),
    at,
    size,
    outcomeAt: (place) => (place % 9 === 0 ? "not_found" : "deleted"),
    group: number % 10 === 0 ? null : `nightly-${Math.floor(number / 100)}`,
    state: number % 50 === 0 ? "cancelled" : "completed",
    isHeld: true,
    started_at: at + 1_000,
    finished_at: at + 30_000,
    verified_at: number % 50 === 0 ? null : at + 31_000,
    next: size,
  });
  job.counts.not_found = Math.ceil(size / 9);
  job.counts.deleted = size - job.counts.not_found;
}
