import assert from "node:assert/strict";
import { test } from "node:test";
import { groupFault, limitFault, startFault } from "../../src/job/new_job_request.ts";

test("limits are checked as the API checks them", () => {
  for (const label of ["", "run 7", "~!"]) assert.equal(groupFault(label), null);
  for (const label of [" a", "a ", "é", "a\tb", "x".repeat(129)]) assert.notEqual(groupFault(label), null, label);
  for (const text of ["", " 7 ", "50000"]) assert.equal(limitFault(text), null);
  for (const text of ["0", "-1", "1.5", "x", "1e3"]) assert.notEqual(limitFault(text), null, text);
  const now = new Date("2026-11-22T09:30:00Z");
  assert.equal(startFault("2026-12-01T10:00Z", now), null);
  for (const text of ["", "x", "2026-11-22T09:00Z", "2027-01-01T00:00Z"])
    assert.notEqual(startFault(text, now), null, text);
});
