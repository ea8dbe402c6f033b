import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schemas } from "../../src/api/client.ts";
import { comparisonOf } from "../../src/job/comparison.ts";
import { sumOf } from "../../src/job/totals.ts";
import { liveOf, oldestWaiting } from "../../src/overview/live.ts";
import { job } from "./job_fixture.ts";

function page(jobs: number, hasMore: boolean): Schemas["JobList"] {
  const cursor = { url: "", has_more: hasMore, next: hasMore ? "x" : "" };
  return { data: [], jobs, rows: 10, remaining: 4, counts: { deleted: 6 }, is_complete: !hasMore, cursor };
}

test("a list of all jobs has its sums on each page, and one's own jobs are added up page by page", () => {
  assert.equal(sumOf([], false), null);
  assert.equal(sumOf([page(3, true), page(3, false)], false)?.jobs, 3);
  const mine = sumOf([page(2, true), page(1, false)], true);
  assert.deepEqual([mine?.jobs, mine?.rows, mine?.counts.deleted, mine?.isComplete], [3, 20, 12, true]);
  assert.equal(sumOf([page(2, true)], true)?.isComplete, false);
});

test("a result stands beside its plan, with what a plan cannot foresee", () => {
  const plan = job({ dry_run: true, counts: { deleted: 9, not_found: 3 } });
  assert.deepEqual(comparisonOf(plan, job({ rows: 0, remaining: 0, counts: {} })), [
    { name: "Deleted", plan: 9, result: null },
  ]);
  assert.deepEqual(comparisonOf(plan, job({ rows: 9, remaining: 0, counts: { deleted: 7, changed: 2 } })), [
    { name: "Deleted", plan: 9, result: 7 },
    { name: "Left alone: changed since the plan", plan: null, result: 2 },
  ]);
});

test("jobs that run come before those that wait, and the oldest one that waits is found", () => {
  const at = (day: number) => `2026-11-${day}T00:00:00.000Z` as Schemas["Time"];
  const jobs = [
    job({ id: "done", state: "completed", created_at: at(10) }),
    job({ id: "new", state: "paused", created_at: at(20) }),
    job({ id: "old", state: "paused", created_at: at(11) }),
    job({ id: "runs", state: "running", created_at: at(12) }),
  ];
  assert.deepEqual(
    liveOf(jobs).map(({ id }) => id),
    ["runs", "new", "old"],
  );
  assert.equal(oldestWaiting(jobs)?.id, "old");
  assert.equal(oldestWaiting([]), null);
});
