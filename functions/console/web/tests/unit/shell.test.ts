import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { quote } from "../../src/ui/shell.ts";

test("a word of a shell is what was copied, and has no character that a terminal obeys", () => {
  const words = [
    "a b",
    "it's",
    "$HOME`id`",
    "back\\slash",
    "a\nid\n",
    "\u001b[201~7'\\n",
    "caf\u00e9 \u200d9",
    "a\u009b0\u202eb",
  ];
  const said = execFileSync("bash", ["-c", `printf '%s\\0' ${words.map(quote).join(" ")}`], { encoding: "utf8" });
  assert.deepEqual(said.split("\0").slice(0, -1), words);
  for (const word of words) assert.doesNotMatch(quote(word), /[\p{Cc}\p{Cf}]/u);
  assert.equal(quote("a-b_c.d:/=@%+,"), "a-b_c.d:/=@%+,");
});
