import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Schemas } from "../../src/api/client.ts";
import { controlsOf, isDeletion, isTimed, told } from "../../src/job/control.ts";
import { inputOf } from "../../src/job/control_dialog.tsx";
import { bodyOf, scopeOf } from "../../src/job/query.ts";
import { STATES } from "../../src/job/words.ts";
import { job } from "./job_fixture.ts";

type Job = Schemas["Job"];

const NOW = new Date("2026-11-22T10:00:00.000Z");
const OLD = "2026-09-01T00:00:00.000Z";

function token(id: string, permissions: Schemas["Permission"][] = ["delete_profiles"]): Schemas["TokenDetails"] {
  return { id, role: "privacy_admin", permissions, created_at: OLD };
}

function offered(more: Partial<Job>, who = token("tok_2"), activated = true): string[] {
  const space = { activated } as Schemas["SpaceDetails"];
  return controlsOf(job(more), { token: who, space }, NOW).map(({ control, reason }) =>
    reason === null ? control : `${control}: ${reason}`,
  );
}

test("the states are those of the service", () => {
  const source = readFileSync("../../core/src/job/state.rs", "utf8");
  const words = [...source.matchAll(/Self::\w+ => "(\w+)"/g)].map(([, word]) => word);
  assert.deepEqual(Object.keys(STATES), words);
});

test("each state has the controls that the API takes in it", () => {
  const expected: Record<Schemas["JobState"], string[]> = {
    open: ["start", "cancel"],
    awaiting_approval: ["approve", "reject"],
    scheduled: ["cancel"],
    queued: ["pause", "cancel"],
    running: ["pause", "cancel"],
    pausing: ["resume", "cancel"],
    paused: ["resume", "cancel"],
    cancelling: [],
    cancelled: [],
    completed: [],
  };
  for (const state of Object.keys(STATES) as Schemas["JobState"][]) {
    assert.deepEqual(offered({ state }), expected[state], state);
  }
});

test("who made a job may not approve it, but may always control it", () => {
  const [approve, cancel] = offered({ state: "awaiting_approval" }, token("tok_1", []));
  assert.match(approve ?? "", /^approve: Your token made this job/);
  assert.equal(cancel, "cancel");
  assert.deepEqual(offered({ state: "running" }, token("tok_1", [])), ["pause", "cancel"]);
});

test("a role that may not make such jobs is told so", () => {
  const [pause] = offered({ state: "running" }, token("tok_2", ["delete_identifiers"]));
  assert.match(pause ?? "", /^pause: The role privacy_admin may not delete profiles\. Roles that may: workspace_owner/);
});

test("where deletions are switched off, what begins them says so, and what ends them stays", () => {
  const off = (more: Partial<Job>) => offered(more, token("tok_2"), false);
  const why = "Deletions are switched off in this space.";
  assert.deepEqual(off({ state: "open" }), [`start: ${why}`, "cancel"]);
  assert.deepEqual(off({ state: "awaiting_approval" }), [`approve: ${why}`, "reject"]);
  assert.deepEqual(off({ state: "paused" }), [`resume: ${why}`, "cancel"]);
  assert.deepEqual(off({ state: "running" }), ["pause", "cancel"]);
  assert.deepEqual(off({ state: "completed", counts: { failed: 1 } }), [`redrive: ${why}`]);
  assert.deepEqual(off({ state: "completed", dry_run: true, counts: { deleted: 1 } }), [`execute: ${why}`]);
});

test("failed rows can be tried again as long as the rows are kept", () => {
  const completed = { state: "completed", counts: { failed: 2 } } as const;
  assert.deepEqual(offered({ ...completed, started_at: "2026-11-22T09:00:00.000Z" }), ["redrive"]);
  assert.match(
    offered({ ...completed, started_at: OLD })[0] ?? "",
    /^redrive: The job was started more than 50 days ago/,
  );
});

test("a plan can be executed while it is fresh, where it found profiles", () => {
  const plan = { state: "completed", dry_run: true, finished_at: "2026-11-22T09:00:00.000Z" } as const;
  assert.deepEqual(offered({ ...plan, counts: { deleted: 3 } }), ["execute"]);
  assert.match(offered({ ...plan, counts: {} })[0] ?? "", /found nothing to delete/);
  assert.match(offered({ ...plan, finished_at: OLD })[0] ?? "", /more than 7 days old/);
  assert.match(offered({ ...plan, action: "delete_identifier" }, token("tok_1"))[0] ?? "", /cannot be executed/);
});

test("what deletes needs consent, and what a dry run does never", () => {
  assert.ok(isDeletion("start", job()) && isDeletion("approve", job()) && isDeletion("redrive", job()));
  assert.ok(isDeletion("execute", job({ dry_run: true })));
  assert.ok(!isDeletion("start", job({ dry_run: true })) && !isDeletion("cancel", job()));
});

test("a cancelled job says what stays deleted", () => {
  const { will, wont } = told("cancel", job(), NOW);
  assert.equal(will, "No further row is carried out: 587,690 rows stay without an outcome.");
  assert.equal(wont, "It cannot be resumed. What was deleted stays deleted: 398,114 so far.");
  assert.equal(told("cancel", job({ state: "scheduled" }), NOW).name, "Undo");
});

test("what begins deletions waits a minute, and says that it can be undone until then", () => {
  const open = job({ state: "open" });
  const { will, wont } = told("start", open, NOW);
  assert.equal(will, "It starts 60 seconds after you confirm, with 587,690 rows. You can undo it until then.");
  assert.equal(wont, "It takes no more rows.");
  const asked = told("start", open, NOW, { approval_over: 0 }).will;
  assert.match(asked, /^It starts 60 seconds after you confirm, or waits for an approval, with 587,690 rows\. You can/);
  assert.doesNotMatch(told("start", { ...open, dry_run: true }, NOW, { approval_over: 0 }).will, /approval/);
  const later = { ...open, start_at: "2026-11-22T10:02:00.000Z" };
  assert.match(
    told("start", later, NOW).will,
    /^It waits for its time, then starts, with 587,690 rows\. You can undo it/,
  );
  const sooner = { ...open, start_at: "2026-11-22T10:00:30.000Z" };
  assert.equal(told("start", sooner, NOW).will, will, "the confirmation makes it later");
  const segment = job({ state: "awaiting_approval", segment_id: "seg_1", expected_members: 5 });
  assert.match(
    told("approve", segment, NOW).will,
    /^It starts 60 seconds after you confirm or later, when it has its turn/,
  );
  assert.match(
    told("approve", segment, NOW).will,
    /deletes the 5 members of its segment\. You can undo it until then\./,
  );
});

test("a dry run starts at once, and so does a redrive, which says that it cannot be undone", () => {
  const dry = job({ state: "open", dry_run: true });
  assert.equal(told("start", dry, NOW).will, "It starts at once, with 587,690 rows.");
  const waits = { ...dry, start_at: "2026-11-22T10:00:30.000Z" };
  assert.match(told("start", waits, NOW).will, /^It waits for its time/);
  const failed = job({ state: "completed", counts: { failed: 2 } });
  assert.equal(told("redrive", failed, NOW).will, "2 failed rows are tried again at once.");
  assert.match(told("redrive", failed, NOW).wont, /no time to undo it/);
  assert.doesNotMatch(told("redrive", { ...failed, dry_run: true }, NOW).wont, /undo/);
});

test("only what begins deletions that nobody has confirmed before is sent with a time", () => {
  const timed = (["start", "approve", "redrive", "cancel", "reject", "pause", "resume"] as const).filter((control) =>
    isTimed(control, job()),
  );
  assert.deepEqual(timed, ["start", "approve"]);
  assert.ok(!isTimed("start", job({ dry_run: true })) && isTimed("execute", job({ dry_run: true })));
});

test("a control is asked for with what its body needs, and is known by the job and what was seen", () => {
  const segment = job({ segment_id: "seg_1", expected_members: 5 });
  assert.deepEqual(inputOf("approve", segment), { control: "approve", expected_members: 5 });
  assert.deepEqual(inputOf("approve", job({ expected_members: 5 })), { control: "approve" });
  const start = { control: "start", expected_rows: job().rows };
  assert.deepEqual(inputOf("start", job()), start, "all of its rows, also those that are invalid");
  assert.equal(
    scopeOf("job_1", inputOf("start", job())),
    scopeOf("job_1", { control: "start" }),
    "rows are no part of it",
  );
  assert.equal(bodyOf({ control: "pause" }), undefined, "most have no body");
  const start_at = "2026-11-22T10:01:00.000Z";
  const approval = { control: "approve", expected_members: 5, start_at } as const;
  assert.deepEqual(bodyOf(approval), { expected_members: 5, start_at });
  assert.equal(scopeOf("job_1", approval), scopeOf("job_1", inputOf("approve", segment)), "the time is no part of it");
  const scopes = [approval, { ...approval, expected_members: 6 }, { control: "start" } as const];
  assert.equal(new Set(scopes.map((input) => scopeOf("job_1", input))).size, 3);
});
