import assert from "node:assert/strict";
import { test } from "node:test";
import { lossOf } from "../../src/job/new_job_draft.ts";
import type { RunState } from "../../src/job/new_job_state.ts";
import { isLate, laterOf, soon, undoableMs } from "../../src/job/start_at.ts";
import { Rejections } from "../../src/rows/rejection.ts";
import { job } from "./job_fixture.ts";

const NOW = new Date("2026-11-22T10:00:00.000Z");

test("what is confirmed begins a minute ahead, or at the job's own later time", () => {
  const at = soon(NOW);
  assert.equal(at, "2026-11-22T10:01:00.000Z");
  for (const own of [null, undefined, "2026-11-22T10:00:59Z"]) assert.equal(laterOf(at, own), at);
  assert.equal(laterOf(at, "2026-11-22T10:01:00.001Z"), "2026-11-22T10:01:00.001Z");
});

test("with less than 15 seconds to undo it, a request is not sent again", () => {
  const late = (seconds: string) => isLate(`2026-11-22T10:00:${seconds}Z`, NOW);
  assert.deepEqual(["15", "14.999", "00"].map(late), [false, true, true]);
  assert.ok(isLate("2026-11-22T09:00:00Z", NOW));
  assert.equal(undoableMs(soon(NOW), NOW), 45_000, "so long it may take to arrive");
});

const FILE = { file: {} as never, pasted: "", action: "delete_identifier" } as const;
const IDLE = { data: undefined, isPending: false, isUncertain: false };

function state(step: RunState["step"]): RunState {
  const made = { job: job({ state: "open" }), plan: null, pages: 1, rows: 1 };
  return { step, ...made, failed: [], problem: null, rejections: new Rejections() };
}

test("who leaves before confirming is told of the job that stays open", () => {
  for (const step of ["sending", "stopped", "failed", "sent"] as const) {
    const loss = lossOf({ ...FILE, confirmed: IDLE }, state("started"), state(step));
    assert.deepEqual(loss, { text: "The deletion is not confirmed.", job: "job_1" }, step);
  }
});

test("who leaves while it is not known whether it was confirmed is not told that nothing happens", () => {
  for (const unknown of [{ isPending: true }, { isUncertain: true }]) {
    for (const deleting of [null, state("sent")]) {
      const loss = lossOf({ ...FILE, confirmed: { ...IDLE, ...unknown } }, state("started"), deleting);
      assert.match(loss?.text ?? "", /may have been confirmed/);
      assert.equal(loss?.job, null, "it may not be open");
    }
  }
});

test("after the confirmation nothing is lost by leaving", () => {
  const confirmed = { ...IDLE, data: { job: job() } };
  assert.equal(lossOf({ ...FILE, confirmed }, state("started"), state("sent")), null);
  assert.equal(lossOf({ ...FILE, file: null, confirmed: IDLE }, null, null), null);
  assert.match(lossOf({ ...FILE, confirmed: IDLE }, null, null)?.text ?? "", /were not sent/);
  assert.match(lossOf({ ...FILE, confirmed: IDLE }, state("started"), null)?.text ?? "", /rows are in this page only/);
  const profiles = { ...FILE, action: "delete_profile", confirmed: IDLE } as const;
  assert.equal(lossOf(profiles, state("started"), null), null, "its plan can be executed on its own screen");
  assert.equal(lossOf(profiles, state("sending"), null)?.job, "job_1");
});
