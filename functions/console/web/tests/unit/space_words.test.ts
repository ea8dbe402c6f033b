import assert from "node:assert/strict";
import { test } from "node:test";
import { leftUntil } from "../../src/space/words.ts";

test("it is said how long a token is still valid", () => {
  const now = new Date("2026-11-22T09:30:00Z");
  const left = (seconds: number) => leftUntil(new Date(now.getTime() + seconds * 1_000).toISOString(), now);
  assert.equal(left(0), "it has expired");
  assert.equal(left(-1), "it has expired");
  assert.equal(left(3), "in a few seconds");
  assert.equal(left(59), "in about 59 seconds");
  assert.equal(left(60), "in about 1 minute");
  assert.equal(left(7_200), "in about 2 hours");
  assert.equal(left(90 * 86_400), "in about 90 days");
});
