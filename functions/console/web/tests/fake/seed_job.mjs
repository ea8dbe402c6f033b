import { happen, makeJob } from "./job.mjs";
import { advance } from "./job_clock.mjs";
import { tokenId } from "./role.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What the rows of made-up jobs come to: mostly deleted, and some of each other outcome. */
const MIXED = (place) => {
  if (place % 100 < 92) return "deleted";
  return ["not_found", "not_found", "not_found", "duplicate", "not_found", "protected", "failed", "invalid"][
    (place % 100) - 92
  ];
};
const CLEAN = (place) => (place % 25 === 0 ? "not_found" : "deleted");

const OWNER = tokenId("eff_workspace_owner");
const PRIVACY = tokenId("eff_privacy_admin");
const IDENTITY = tokenId("eff_identity_admin");

/** A made-up job of many rows. `until` is how many of them have an outcome. */
function made(space, { ago, size, until = 0, outcomeAt = CLEAN, state, events = [], ...given }) {
  const at = Date.now() - ago;
  const action = given.action ?? "delete_profile";
  const job = makeJob(space, { created_by: PRIVACY, action, at, size, outcomeAt, isHeld: true, ...given });
  job.state = state;
  job.since = at;
  job.next = until;
  for (let place = 0; place < until; place += 1) job.counts[outcomeAt(place)] += 1;
  for (const [kind, after, rest] of events) happen(space, job, kind, at + after, rest);
  return job;
}

/** A job in each state, with a label that tells which. */
export function seedJobs(space) {
  const started = ["started", 2_000, {}];
  const run = { started_at: Date.now() - HOUR + 3_000 };
  finished(space);
  made(space, { ago: 26 * HOUR, size: 40, state: "open", group: "open: waits for pages", created_by: OWNER });
  made(space, {
    ago: 2 * HOUR,
    size: 5_000,
    state: "awaiting_approval",
    group: "awaiting approval",
    created_by: OWNER,
    events: [["awaiting_approval", 10, {}]],
  });
  const soon = { ago: MINUTE, size: 800, state: "scheduled", start_at: Date.now() + 20 * HOUR, group: "scheduled" };
  made(space, { ...soon, events: [["scheduled", 10, {}]] });
  made(space, { ago: 3 * HOUR, size: 120, state: "queued", group: "stuck: queued for 3 hours", events: [started] });
  made(space, {
    ...run,
    ago: HOUR,
    size: 9_000,
    until: 4_100,
    state: "paused",
    group: "paused by a person",
    events: [started, ["paused", 9 * MINUTE, { token_id: OWNER }]],
  });
  made(space, {
    ...run,
    ago: HOUR,
    size: 9_000,
    until: 2_000,
    state: "paused",
    stopped: true,
    group: "paused by operator",
    events: [started, ["paused", 5 * MINUTE, { cause: "operator" }]],
  });
  made(space, {
    ...run,
    ago: HOUR,
    size: 700,
    until: 105,
    state: "paused",
    max_deletions: 100,
    group: "paused by max_deletions",
    events: [started, ["paused", MINUTE, { cause: "max_deletions" }]],
  });
  const slow = {
    ago: 4 * MINUTE,
    size: 1_000_000,
    until: 380_000,
    outcomeAt: MIXED,
    group: "large: runs for long",
    state: "running",
  };
  const large = made(space, { ...slow, started_at: Date.now() - 4 * MINUTE, rate: 1_600, events: [started] });
  Object.assign(large, { isHeld: false, since: Date.now(), tenths: 3 });
  const identifiers = { ago: MINUTE, size: 3_000, until: 900, action: "delete_identifier", created_by: IDENTITY };
  const calm = made(space, {
    ...identifiers,
    state: "running",
    group: "identifiers",
    rate: 15,
    started_at: Date.now() - MINUTE,
    events: [started],
  });
  Object.assign(calm, { isHeld: false, since: Date.now(), tenths: 3 });
  const emptying = {
    ago: 30_000,
    size: 19,
    until: 6,
    action: "delete_segment",
    segment_id: "seg_emptying",
    created_by: OWNER,
  };
  made(space, {
    ...emptying,
    state: "running",
    phase: "deleting",
    expected_members: 19,
    auto_enable: false,
    started_at: Date.now() - 25_000,
    events: [started],
  });
  const segment = space.segments.get("seg_emptying");
  if (segment) segment.disabled_at = Date.now() - 25_000;
}

/** Jobs that are over: one for each verdict, and dry runs. */
function finished(space) {
  const over = (given) => {
    const end = Date.now() - given.ago + 8 * MINUTE;
    const times = {
      started_at: end - 7 * MINUTE,
      finished_at: end,
      verified_at: given.verified === false ? null : end + 5_000,
    };
    const ending =
      given.state === "cancelled" ? [["cancelled", 8 * MINUTE, { token_id: OWNER }]] : [["completed", 8 * MINUTE, {}]];
    const verified = times.verified_at && given.state !== "cancelled" ? [["verified", 8 * MINUTE + 5_000, {}]] : [];
    made(space, {
      until: given.size,
      state: "completed",
      ...times,
      ...given,
      events: [["started", 1_000, {}], ...ending, ...verified],
    });
  };
  over({ ago: 70 * HOUR, size: 412, group: "complete" });
  over({ ago: 60 * HOUR, size: 1_500, outcomeAt: MIXED, group: "failed rows" });
  over({ ago: 50 * HOUR, size: 25, outcomeAt: () => "not_found", group: "nothing matched" });
  over({ ago: 40 * HOUR, size: 2_000, until: 660, state: "cancelled", verified_at: null, group: "cancelled halfway" });
  over({ ago: 30 * HOUR, size: 60, action: "delete_identifier", created_by: IDENTITY, group: null });
  over({ ago: 28 * HOUR, size: 9, outcomeAt: () => "changed", group: "executed plan, all changed", plan_job_id: null });
  const rows = [
    "email:linus@example.com",
    "user_id:user_003",
    "email:UPPER@example.com",
    "user_id:upper_case",
    "email:nobody@example.com",
  ];
  const at = Date.now() - 20 * HOUR;
  const dry = makeJob(space, { action: "delete_profile", created_by: PRIVACY, at, dry_run: true, group: "dry run" });
  dry.rows = rows.map((text, row) => ({
    page: 0,
    row,
    profile: { type: text.split(":")[0], value: text.split(":")[1] },
  }));
  Object.assign(dry, { state: "queued", since: at });
  advance(space, dry);
}
