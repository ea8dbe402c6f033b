import assert from "node:assert/strict";
import { test } from "node:test";
import { codePoint, hasUnseen, partsOf } from "../../src/ui/unseen.ts";

/** A text as it is shown: with the numbers of characters that nobody sees. */
const seen = (text: string) => partsOf(text).map((part, place) => (place % 2 === 0 ? part : `[${codePoint(part)}]`));

test("every second part of a text is a character that nobody sees", () => {
  assert.deepEqual(seen("ada"), ["ada"]);
  assert.deepEqual(seen(""), [""]);
  assert.deepEqual(seen("a\u202eb\u200bc"), ["a", "[U+202E]", "b", "[U+200B]", "c"]);
  assert.deepEqual(seen("\u0000\n"), ["", "[U+0000]", "", "[U+000A]", ""]);
  assert.deepEqual(seen("x\u{e0041}y"), ["x", "[U+E0041]", "y"]);
});

test("controls, marks of direction, what has no width and unusual blanks are unseen, and letters of all scripts are not", () => {
  const unseen = [
    "\t",
    "\u007f",
    "\u00a0",
    "\u00ad",
    "\u034f",
    "\u061c",
    "\u200d",
    "\u2028",
    "\u2066",
    "\u3164",
    "\ufeff",
  ];
  for (const character of unseen) assert.ok(hasUnseen(`a${character}b`), codePoint(character));
  for (const text of ["Ada Lovelace", "Zoë", "e\u0301", "محمد", "李 雷", "नमस्ते", "🙂", "a-b_c.d+e@f"]) {
    assert.ok(!hasUnseen(text), text);
    assert.equal(partsOf(text).join(""), text);
  }
});
