import assert from "node:assert/strict";
import { test } from "node:test";
import { fillPath } from "../../src/api/path.ts";

test("a value cannot become a part of the path", () => {
  const path = "/v1/spaces/{space_id}/deletions/{identifier}";
  const filled = (identifier: string) => fillPath(path, { space_id: "spa_a", identifier });
  assert.equal(filled("email:a@b.c"), "/v1/spaces/spa_a/deletions/email:a%40b.c");
  assert.equal(filled("user_id:a/../b?c#d%41:e"), "/v1/spaces/spa_a/deletions/user_id:a%2F..%2Fb%3Fc%23d%2541%3Ae");
});
