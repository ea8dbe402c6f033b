import assert from "node:assert/strict";
import { test } from "node:test";
import { isOver, pollListMs, pollMs } from "../../src/job/poll.ts";
import { job } from "./job_fixture.ts";

const VERIFIED = "2026-11-22T09:31:00.000Z";

test("a job is asked for as often as it may change", () => {
  for (const state of ["scheduled", "queued", "running", "pausing", "cancelling"] as const) {
    assert.equal(pollMs(job({ state })), 2_000, state);
  }
  for (const state of ["open", "awaiting_approval", "paused", "completed"] as const) {
    assert.equal(pollMs(job({ state })), 10_000, state);
  }
  assert.equal(pollMs(job({ state: "cancelled" })), false);
  assert.equal(pollMs(job({ state: "completed", verified_at: VERIFIED })), false);
});

test("a list is asked for as long as one of its jobs is not over", () => {
  const over = job({ state: "cancelled" });
  assert.ok(isOver(over) && pollListMs([over]) === false && pollListMs([]) === false);
  assert.equal(pollListMs([over, job()]), 10_000);
});
