import assert from "node:assert/strict";
import { test } from "node:test";
import { check, identifiers } from "./row_check.ts";
import { latin } from "./row_files.ts";

test("fields that are repeated or compete are refused", async () => {
  const twice = /rows, data or column_names twice/;
  await check('{"rows":["email:a"],"rows":["email:b"]}', twice);
  await check('{"rows":["email:a"],"rows":null}', twice);
  await check('{"column_names":["c"],"data":[["email:a"]],"data":[["email:b"]]}', twice);
  await check('{"column_names":["c"],"data":[["email:a"]],"column_names":["c"]}', twice);
  await check('{"rows":["email:a"],"column_names":["c"],"data":[["email:b"]]}', /both rows and data/);
  for (const names of ["key,value,Value", "key,value,user_id,type,id", "user_id,type,id,id"]) {
    await check(`${names}\nemail,a,b\n`, /ambiguous/);
    await check(JSON.stringify({ column_names: names.split(","), data: [["email", "a", "b"]] }), /ambiguous/);
  }
  await check('{"dry_run":true,"rows":["email:a"]}', /a field of a job/);
  await check('{"column_names":["c"],"data":[["email:a"]],"max_deletions":1}', /a field of a job/);
  await check('{"column_names":["value","key"],"rows":[["a","email"]]}', /column_names describes data/);
  await check('[{"key":"email","value":"a","user_id":"u","type":"email","id":"e"}]', ["UNKNOWN_FIELD"]);
});

test("a table with named columns", async () => {
  const types = '"column_types":["string"]';
  await check(`{"column_names":["_col0"],${types},"data":[["email:a"],["b"],[null],["email:c","x"],[]]}`, [
    "email:a",
    "NO_COLON",
    "NOT_TEXT",
    "CELLS",
    "CELLS",
  ]);
  await check('{"column_names":["key","value"],"data":[["email","a"],["user_id",7],["email"],"email:b"]}', [
    "email:a",
    "user_id:7",
    "CELLS",
    "NOT_TEXT",
  ]);
  await check('{"data":[[0,"a","email"]],"column_names":["n","VALUE","Key"]}', ["email:a"]);
  await check('{"column_names":["key"],"data":[]}', []);
  for (const bad of ['["a","b"]', '["user_id","email"]', "[]", "[1.5]"]) {
    await check(`{"column_names":${bad},"data":[["a","b"]]}`, /^column_names must be/);
  }
  await check('{"data":[["email:a"]]}', /column_names is missing/);
});

test("a list of any rows", async () => {
  const list = `["email:a:b",{"any":"email:c"},{"value":"d","key":"email"},["email:e"],["email","f"],
    {"value":-12345678901234567890123,"key":"user_id"},{"key":"email","value":"g","note":[1]}]`;
  const expected = ["email:a:b", "email:c", "email:d", "email:e", "email:f"];
  expected.push("user_id:-12345678901234567890123", "email:g");
  await check(list, expected);
  await check(` {"rows":${list}} `, expected);
  await check(`{"note":{"rows":[1]},"rows":${list},"more":[[1],{"rows":2}]}`, expected);
});

test("a bad row is one faulty row", async () => {
  await check(
    String.raw`[null,true,1,1.5,[],["email","a","b"],{},{"a":1,"b":2},{"a":[]},{"key":"email","value":null},
      {"key":"email","key":"email","value":"a"},"\ud800","email:\ud800",{"\ud800":"email:a"},"email:",
      ":a","group_id:a","Email:a","segment_id:a",{"user_id":"u","type":"email","id":"e"},"email:a"]`,
    [
      ...["NOT_TEXT", "NOT_TEXT", "NO_COLON", "NOT_TEXT", "NOT_TEXT", "NOT_TEXT", "MISSING_FIELD", "MISSING_FIELD"],
      ...["NOT_TEXT", "NOT_TEXT", "REPEATED_FIELD", "NOT_UTF8", "NOT_UTF8", "NOT_UTF8", "EMPTY_VALUE"],
      ...["UNKNOWN_TYPE", "UNSUPPORTED_TYPE", "UNKNOWN_TYPE", "PROFILE_ID", "MISSING_FIELD", "email:a"],
    ],
  );
  await check(`["email:${"x".repeat(2_049)}","email:${"é".repeat(1_025)}"]`, ["LONG_VALUE", "LONG_VALUE"]);
  await check(latin('["email:\xff","email:\\\xff","email:a"]'), ["NOT_UTF8", "NOT_UTF8", "email:a"]);
  await check('["email:\\u0000"]', ["email:\0"]);
});

test("newline-delimited JSON", async () => {
  await check('{"key":"email","value":"a"}\r\n\n  \n["email","b"]\n"email:c"\n{"x":"email:d"}\n', [
    "email:a",
    "email:b",
    "email:c",
    "email:d",
  ]);
  const row = '{"key":"email","value":"a"}';
  await check(row, ["email:a"]);
  await check(`${row}\n${row}`, ["email:a", "email:a"]);
  await check(`${row}\n{oops\n${row}`, ["email:a", "NOT_TEXT", "email:a"]);
  await check(`oops\n${row}\n${row}`, ["NOT_TEXT", "email:a", "email:a"]);
  await check(`{"key":"email"\n${row}`, ["NOT_TEXT", "email:a"]);
  await check(latin(`${row}\n{"key":"email","value":"\xff"}\n`), ["email:a", "NOT_UTF8"]);
  await check('"email:a"', ["email:a"]);
  await check('"email"', ["NO_COLON"]);
  await check('"email:\\u00e9"\n"email:a\\"b"\n', ["email:é", 'email:a"b']);
  await check('"email:jos\\u00e9@x"\nnull\n5\n"email:b"\n', ["email:josé@x", "NOT_TEXT", "NO_COLON", "email:b"]);
});

test("the name of a file counts where lines could be JSON as well as CSV", async () => {
  const quoted = '"email:a\\u00e9"\n"email:b"\n';
  await check(quoted, ["email:aé", "email:b"]);
  await check(quoted, ["email:aé", "email:b"], "x.jsonl");
  await check(quoted, ["email:a\\u00e9", "email:b"], "x.csv");
  await check(quoted, ["email:a\\u00e9", "email:b"], "X.CSV");
  await check(quoted, ["email:aé", "email:b"], "x.csv.gz");
  await check(quoted, ["email:aé", "email:b"], ".csv");
  for (const name of ["x", "x.csv", "x.ndjson"]) await check('"bad"\n"email:b"\n', ["NO_COLON", "email:b"], name);
});

test("JSON that was cut off or is broken is refused", async () => {
  const starts = ["[", '[\n"email:a",\n"email:b"\n', '{"rows":["email:a"', '{"column_names":["key"],"data":[['];
  for (const body of [...starts, "[".repeat(100_000)]) await check(body, /ends before its JSON does/);
  await check(
    '[\n  {"key":"email","value":"a"}\n  {"key":"email","value":"b"},\n  {"x":1}\n]',
    /not valid JSON \(line 3, column 3\)/,
  );
});

test("a row names an identifier", async () => {
  const row = '{"type":"email","user_id":"u","id":"e"}';
  assert.deepEqual(await identifiers(`[${row},{"user_id":"u","type":"user_id","id":"u"}]`), [
    "user_id:u email:e",
    "user_id:u user_id:u",
  ]);
  assert.deepEqual(await identifiers("ID,type,User_Id\ne,email,u"), ["user_id:u email:e"]);
  assert.deepEqual(await identifiers("u,email,e\nu,email"), ["user_id:u email:e", "MISSING_FIELD"]);
  const bad = `["user_id:u",["u","email","e"],{"user_id":"u","type":"email"},{"user_id":"u"},{"key":"email","value":"e"},
    {"user_id":"u","type":"email","id":"e","x":1},{"user_id":"","type":"email","id":"e"},
    {"user_id":"u","type":"group_id","id":"e"},{"user_id":"u","type":"size","id":"e"},
    {"user_id":"u","type":"email","id":["e"]}]`;
  assert.deepEqual(await identifiers(bad), [
    ...["MISSING_FIELD", "NOT_TEXT", "MISSING_FIELD", "MISSING_FIELD", "MISSING_FIELD"],
    ...["UNKNOWN_FIELD", "EMPTY_VALUE", "UNSUPPORTED_TYPE", "UNKNOWN_TYPE", "NOT_TEXT"],
  ]);
});

test("a row names a profile by its own id", async () => {
  const id = "use_0123456789abcdef0123456789abcdef";
  const expected = [id, id, "PROFILE_ID", "NO_COLON", "email:a"];
  await check(`profile\n${id}\nsegment_id:${id}\nsegment_id:use_0123\nuse_0123\nemail:a\n`, expected);
  const json = [id, { key: "segment_id", value: id }, ["segment_id", "use_0123"], { profile: "use_0123" }, "email:a"];
  await check(JSON.stringify(json), expected);
  await check(`segment_id,${id}\nemail,a\n`, [id, "email:a"]);
  const csv = `Type,profile,id\nemail,${id},e\nuser_id,anonymous_id:a,u\n`;
  assert.deepEqual(await identifiers(csv), [`${id} email:e`, "anonymous_id:a user_id:u"]);
  await check("profile,user_id,type,id\na,b,c,d\n", /ambiguous/);
});
