import assert from "node:assert/strict";
import { test } from "node:test";
import { extentOf, repeatsThatStay } from "../../src/profile/extent.ts";
import { treeOf } from "../../src/profile/merge.ts";
import { nearMisses } from "../../src/profile/near_miss.ts";
import type { Plan, PlanPart } from "../../src/profile/query.ts";

const part = (given: Partial<PlanPart>): PlanPart => ({
  external_ids: [],
  traits: [],
  segments: [],
  profiles: [],
  ...given,
});
const identifier = (type: string, id: string) => ({ profile_id: "use_a", type, id, created_at: "" });

test("what goes is said in one sentence", () => {
  const root = { id: "use_a", merged_into: null };
  assert.equal(extentOf(part({ profiles: [root] })), "");
  assert.equal(extentOf(part({ traits: ["a", "b"] })), "2 traits");
  const all = part({
    external_ids: [identifier("email", "a")],
    traits: ["a", "b"],
    segments: ["seg_a"],
    profiles: [root, { id: "use_b", merged_into: "use_a" }],
  });
  assert.equal(extentOf(all), "1 identifier, 2 traits, 1 membership and 1 merged profile");
});

test("only traits that stay are warned of", () => {
  const repeat = (trait: string) => ({ trait, type: "email", id: "a" });
  const plan = { stays: part({ traits: ["b", "c"] }), repeats: [repeat("a"), repeat("b"), repeat("b")] };
  assert.deepEqual(repeatsThatStay(plan as Plan), ["b"]);
});

test("merged profiles make a tree, and none is lost", () => {
  const profiles = [
    { id: "c", merged_into: "b" },
    { id: "a", merged_into: null },
    { id: "b", merged_into: "a" },
    { id: "d", merged_into: "not listed" },
  ];
  assert.deepEqual(treeOf(profiles), [
    { id: "a", members: [{ id: "b", members: [{ id: "c", members: [] }] }] },
    { id: "d", members: [] },
  ]);
});

test("what may be wrong with a value that finds nothing", () => {
  assert.match(nearMisses(" a@b.c", false).join(), /blank/);
  assert.match(nearMisses("a\u200b@b.c", false).join(), /cannot be seen/);
  assert.match(nearMisses("Ada", false).join(), /capital/);
  assert.doesNotMatch(nearMisses("Ada", true).join(), /capital/);
  assert.match(nearMisses("e\u0301", false).join(), /accents/);
  assert.match(nearMisses("ada", false).join(), /spelling/);
});
