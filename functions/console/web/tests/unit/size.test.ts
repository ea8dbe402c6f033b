import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

/** What a visit loads at most, in bytes after gzip at level 9. */
const MOST: Readonly<Record<string, number>> = { "console.js": 150_000, "console.css": 10_000 };

for (const [name, most] of Object.entries(MOST)) {
  test(`dist/${name} is not larger than its budget`, () => {
    const size = gzipSync(readFileSync(`dist/${name}`), { level: 9 }).length;
    assert.ok(size <= most, `${size} bytes of ${most}`);
  });
}
