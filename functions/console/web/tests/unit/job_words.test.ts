import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schemas } from "../../src/api/client.ts";
import { newsOf, progressOf, tabOf, verdictOf } from "../../src/job/words.ts";
import { job } from "./job_fixture.ts";

type Job = Schemas["Job"];

const NOW = new Date("2026-11-22T09:30:00.000Z");
const IN_SIX_MINUTES = "2026-11-22T09:36:00.000Z";

test("a running job says how far it is in one sentence", () => {
  assert.equal(
    progressOf(job({ estimated_finish_at: IN_SIX_MINUTES }), NOW),
    "412,310 of 1,000,000 rows · 398,114 deleted · 14,196 not found · about 6 minutes left",
  );
});

test("a job says what it waits for, and what will not happen meanwhile", () => {
  const none = { rows: 1, remaining: 1, counts: {} };
  const segment: Partial<Job> = { rows: 0, remaining: 0, counts: {}, segment_id: "seg_1", expected_members: 1_200 };
  const cases: [Partial<Job>, string][] = [
    [{ state: "open", rows: 0, remaining: 0, counts: {} }, "Open · no rows yet"],
    [{ state: "awaiting_approval", ...none }, "Awaits approval · 1 row · nothing is deleted before it is approved"],
    [{ state: "scheduled", ...none }, "Scheduled · 1 row · nothing is deleted before it starts"],
    [{ state: "queued", ...none }, "Queued · 0 of 1 row"],
    [{ state: "paused", estimated_finish_at: IN_SIX_MINUTES, ...none }, "Paused · 0 of 1 row"],
    [{ state: "running", phase: "preparing", ...segment }, "Listing the members of the segment · about 1,200 members"],
    [
      { state: "cancelled", rows: 9, remaining: 4, counts: { deleted: 5 } },
      "Cancelled · 5 of 9 rows · 5 deleted · 4 not carried out",
    ],
    [{ dry_run: true, rows: 2, remaining: 0, counts: { deleted: 2 } }, "2 of 2 rows · 2 would be deleted"],
  ];
  for (const [more, expected] of cases) assert.equal(progressOf(job(more), NOW), expected);
});

test("a verdict names what was not carried out, and a dry run never says that anything was deleted", () => {
  const counts = { deleted: 5, failed: 1, invalid: 2 };
  assert.equal(verdictOf(job()), null);
  assert.equal(
    verdictOf(job({ state: "completed", verdict: "partial", counts, members_left: 3 })),
    "Some were not carried out: 1 row failed, 2 rows invalid, 3 members left in the segment.",
  );
  for (const verdict of ["complete", "partial", "nothing_matched"] as const) {
    const told = verdictOf(job({ state: "completed", verdict, counts, dry_run: true }));
    assert.doesNotMatch(told ?? "", /(is|was|were) deleted/);
  }
});

test("the tab tells the progress, and at the end whether all went well", () => {
  assert.equal(tabOf(job()), "41 % · Delete profiles");
  assert.equal(tabOf(job({ state: "paused" })), "Paused · Delete profiles");
  assert.equal(tabOf(job({ state: "completed" })), "Completed · Delete profiles");
  assert.equal(tabOf(job({ state: "completed", counts: { failed: 12 } })), "12 failed · Delete profiles");
});

test("screen readers are told changes of the state and every tenth, and nothing between", () => {
  const at = (done: number, more: Partial<Job> = {}) => job({ rows: 100, remaining: 100 - done, ...more });
  assert.equal(newsOf(at(11), at(19)), null);
  assert.equal(newsOf(at(19), at(31)), "30 % of the rows are done.");
  assert.equal(newsOf(at(31), at(31, { state: "paused" })), "Delete profiles: Paused.");
  assert.equal(
    newsOf(at(99), at(100, { state: "completed", verdict: "nothing_matched" })),
    "Delete profiles: Completed. No row matched anything: nothing was deleted.",
  );
});
