import assert from "node:assert/strict";
import { test } from "node:test";
import { traitPage } from "../../src/profile/trait.ts";

/** The body of a page with one trait. */
const page = (value: string) =>
  `{"traits":{"name":{"value":${value},"source_id":null,"updated_at":"2026-11-22T09:30:00.123Z"}},"cursor":{"url":"/v1","has_more":false,"next":""}}`;

const shown = (value: string) => traitPage(page(value)).data[0]?.json;

test("numbers keep all their digits", () => {
  for (const number of ["12345678901234567890123456789", "1.10", "-0.0", "1e400", "9007199254740993", "-1E-7", "0"]) {
    assert.equal(shown(number), number);
  }
  assert.equal(shown("[1.0, 2]"), "[\n  1.0,\n  2\n]");
});

test("strings that look like numbers, tags or JSON stay strings", () => {
  for (const text of ['"12345678901234567890"', '"=1"', '"\'x"', '"a\\"1\\"b"', '"\\\\"', '"{\\"n\\":1.0}"', '""']) {
    assert.equal(shown(text), text);
  }
});

test("other values, and members in the order in which they were sent", () => {
  for (const value of ["true", "false", "null", "[]", "{}"]) assert.equal(shown(value), value);
  assert.equal(shown('{"b":1,"2":2,"__proto__":3}'), '{\n  "b": 1,\n  "2": 2,\n  "__proto__": 3\n}');
});

test("a page has names, times and its cursor", () => {
  const next = '{"traits":{"10":{"value":1},"9":{"value":2}},"cursor":{"has_more":true,"next":"n1"}}';
  assert.deepEqual(traitPage(next), {
    data: [
      { name: "10", json: "1", updatedAt: null },
      { name: "9", json: "2", updatedAt: null },
    ],
    cursor: { has_more: true, next: "n1" },
  });
  assert.equal(traitPage(page("1")).data[0]?.updatedAt, "2026-11-22T09:30:00.123Z");
});

test("names with escapes are shown as they are meant", () => {
  const body = '{"traits":{"a\\u0022b":{"value":"\\u00e9","updated_at":null}},"cursor":{"has_more":false,"next":""}}';
  const [trait] = traitPage(body).data;
  assert.deepEqual(trait, { name: 'a"b', json: '"é"', updatedAt: null });
});
