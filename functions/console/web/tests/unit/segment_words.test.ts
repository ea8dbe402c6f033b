import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schemas } from "../../src/api/client.ts";
import { deleteReason, enableReason, followsFrom, hasJobInTheWay, type Segment } from "../../src/segment/words.ts";

const job = (members: Partial<Schemas["Job"]>) =>
  ({ state: "running", started_at: null, ...members }) as Schemas["Job"];
const segment = (of: Schemas["Job"] | null) => ({ state: "enabled", job: of }) as Segment;

test("a job is in the way until it is verified or cancelled", () => {
  const of = (members: Partial<Schemas["Job"]>) => hasJobInTheWay(segment(job(members)));
  assert.equal(hasJobInTheWay(undefined), false);
  assert.equal(hasJobInTheWay(segment(null)), false);
  assert.equal(of({ state: "scheduled" }), true);
  assert.equal(of({ state: "completed", verified_at: null }), true);
  assert.equal(of({ state: "completed", verified_at: "2026-11-22T09:30:00Z" }), false);
  assert.equal(of({ state: "cancelled" }), false);
});

test("it is said why the users of a segment cannot be deleted", () => {
  assert.equal(deleteReason(segment(null), 3, true), null);
  // Too many to be counted, or not counted yet: the API decides.
  assert.equal(deleteReason(segment(null), null, true), null);
  assert.equal(deleteReason(segment(null), undefined, true), null);
  assert.match(deleteReason(segment(null), 0, true) ?? "", /no members/);
  assert.match(deleteReason(segment(job({})), 3, true) ?? "", /job of this segment is not over/);
  assert.match(deleteReason(segment(null), 3, false) ?? "", /switched off/);
});

test("a segment can be enabled until its job has its turn", () => {
  assert.equal(enableReason(segment(null)), null);
  assert.equal(enableReason(segment(job({ state: "scheduled" }))), null);
  assert.match(enableReason(segment(job({ started_at: "2026-11-22T09:30:00Z" }))) ?? "", /when the job is over/);
  const over = job({ state: "cancelled", started_at: "2026-11-22T09:30:00Z" });
  assert.equal(enableReason(segment(over)), null);
});

test("people are told what follows, also where the API tells programs only", () => {
  const consequences = ["Make a dry run first."];
  assert.deepEqual(followsFrom({ members: 3, consequences }), consequences);
  assert.match(followsFrom({ members: null, consequences }).join(" "), /stays deleted/);
});
