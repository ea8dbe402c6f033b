import assert from "node:assert/strict";
import { test } from "node:test";
import { type Known, statusOf } from "../../src/deletion/status.ts";

const event = (name: string, time: string) => ({ event: name, time, index: 0 });
const entry = (id: string) => ({ id, type: "email", created_at: "t3", segment_id: "use_a" }) as never;
const status = (known: Partial<Known>, value = "a", isLowercase = false) =>
  statusOf({ record: null, active: undefined, events: undefined, ...known }, value, isLowercase);

const CREATED = event("identifier.created", "t1");
const REMOVED = event("identifier.removed", "t2");
const AGAIN = event("identifier.created", "t3");

test("a record says that it is deleted", () => {
  const record = { status: "deleted" } as never;
  assert.deepEqual(status({ record }), { kind: "deleted", record });
});

test("deleted before and active now: it came back", () => {
  const came = { kind: "came_back", since: "t3", profileId: "use_a", removedAt: "t2" };
  assert.deepEqual(status({ active: [entry("a")], events: [AGAIN, REMOVED, CREATED] }), came);
  // A role that may not read profiles knows it from the log alone.
  assert.deepEqual(status({ events: [AGAIN, REMOVED, CREATED] }), { ...came, profileId: null });
});

test("active, and whether it was deleted before", () => {
  const active = { kind: "active", since: "t3", profileId: "use_a" };
  assert.deepEqual(status({ active: [entry("a")], events: [CREATED] }), { ...active, isFirst: true });
  assert.deepEqual(status({ active: [entry("a")] }), { ...active, isFirst: null });
  assert.deepEqual(status({ events: [CREATED] }), { kind: "active", since: "t1", profileId: null, isFirst: true });
});

test("the identifier is found among those of its profile as its type is compared", () => {
  const active = [entry("b"), entry("A")];
  assert.deepEqual(status({ active }, "a"), { kind: "active", since: null, profileId: "use_a", isFirst: null });
  assert.deepEqual(status({ active }, "a", true), { kind: "active", since: "t3", profileId: "use_a", isFirst: null });
});

test("a deletion may be running while it is neither active nor recorded", () => {
  const running = { kind: "running" };
  assert.deepEqual(status({ active: null, events: [CREATED] }), running);
  assert.deepEqual(status({ active: null, events: [AGAIN, REMOVED, CREATED] }), running);
  assert.deepEqual(status({ events: [REMOVED, CREATED] }), running);
});

test("active, and the log does not know yet since when", () => {
  const known = { active: [], events: [REMOVED, CREATED] };
  assert.deepEqual(status(known), { kind: "came_back", since: null, profileId: null, removedAt: "t2" });
});

test("never deleted, or not known", () => {
  assert.deepEqual(status({ active: null, events: [] }), { kind: "never" });
  assert.deepEqual(status({ active: null }), { kind: "never" });
  assert.deepEqual(status({ events: [] }), { kind: "never" });
  assert.deepEqual(status({}), { kind: "no_record" });
});
