import assert from "node:assert/strict";
import { test } from "node:test";
import { check, identifiers } from "./row_check.ts";
import { fileOf, gzipped, latin, read } from "./row_files.ts";

test("only a known name is a header", async () => {
  await check("bob@example.com\nemail:a\n", ["NO_COLON", "email:a"]);
  await check('"bob"\n"email:a"\n', ["NO_COLON", "email:a"]);
  for (const name of ["profile", "Identifiers", "key:value", " _col0 ", "?column?", "KEY || ':' || VALUE"]) {
    await check(`${name}\nemail:a\n`, ["email:a"]);
    await check(`"${name}"\nemail:a\n`, ["email:a"]);
  }
  await check("concat(key, ':', v)\nemail:a\n", ["MISSING_FIELD", "email:a"]);
  await check("\"concat(key, ':', v)\"\nemail:a\n", ["email:a"]);
  await check("email:a||b\nemail:concat(\n", ["email:a||b", "email:concat("]);
  await check("Email:a || b\nemail:c\n", ["UNKNOWN_TYPE", "email:c"]);
  await check("a||b\nemail:c\n", ["NO_COLON", "email:c"]);
  await check(latin("key,value,pr\xe9nom\nemail,a,x\n"), ["email:a"]);
  for (const names of ["key,value", "key, value", "Key ,VALUE", '"key","value"', "key,value,"]) {
    await check(`${names}\nemail,a\n`, ["email:a"]);
  }
  await check("note,key,value\nn,email,a\n", ["email:a"]);
  await check("key,value\n", /a header and no rows/);
  await check("profile\n\n \n", /a header and no rows/);
});

test("every line end ends a row", async () => {
  for (const end of ["\n", "\r\n", "\r", "\r\r\n", "\n\r"]) {
    const lines = ["email:a", "email,b", '"email:c"', 'email,"d"', ""];
    await check(lines.join(end), ["email:a", "email:b", "email:c", "email:d"]);
    await check(["key,value", "email,a", 'email,"b"'].join(end), ["email:a", "email:b"]);
    await check(['{"key":"email","value":"a"}', '["email","b"]', ""].join(end), ["email:a", "email:b"]);
  }
  await check('key,value\nemail,"a\n"\nemail,b\n', /^Line 2 has a quoted cell/);
  await check('email:a\r\remail:b\r\nnote,"x\r\nemail:c"\n', /^Line 4 has a quoted cell/);
  await check('key,value,note\nemail,a,"He wrote:\nemail,b\nis my address, "not old".\n', /^Line 2 has a quoted cell/);
});

test("a body that is no list of rows is refused", async () => {
  for (const body of [
    '{"error":"syntax"}',
    '{"error":"x","message":"y: z"}',
    '{"message":"Error: x"}',
    '{"type":"about:blank","status":404}',
    '{"data":null}',
    "{}",
  ]) {
    await check(body, /a JSON object without rows or data/);
  }
  await check('{"key":"email"}', ["NO_COLON"]);
  await check('{"key":"email","id":"a"}', ["MISSING_FIELD"]);
  for (const body of ["null", " 123 ", "true", "-1.5e3\n"]) await check(body, /a single JSON value/);
  for (const body of [
    "<html><body>502 Bad Gateway</body></html>\n",
    '\n<?xml version="1.0"?>\n<a>email:a</a>',
    "<!DOCTYPE html>",
  ]) {
    await check(body, /HTML or XML/);
    await check(body, /HTML or XML/, "x.ndjson");
  }
  for (const body of [
    'ERROR:  relation "people" does not exist\nLINE 1: SELECT * FROM people\n',
    "error: permission denied",
    "FATAL:  password authentication failed\n",
    "ORA-00942: table or view does not exist\n",
    "Traceback (most recent call last):\nValueError: x\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n",
    "Query 20261126_1 failed: line 1:8: Column 'x' cannot be resolved",
    "rows=email%3Aa&action=delete_profile",
    "email=a@example.com&type=email",
    "bob@example.com\n",
    "1\n2\n3",
    "no row at all",
  ]) {
    await check(body, /^No line of the file is a row/);
  }
  const part = '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nemail:a\r\n--b--\r\n';
  await check(part, /a form of several parts/);
  await check(part.replace("Content-D", "Content-Type: text/csv\r\nContent-D"), /a form of several parts/);
  await check("email:a\nemail:b\n", ["email:a", "email:b"], "x.ndjson");
});

test("bytes that are no text are refused by name", async () => {
  const archive = latin("PK\x03\x04\x14\0\0\0\x08\0\0\0[Content_Types].xml");
  await check(gzipped(gzipped("email:a")), /gzip within gzip/);
  await check(latin("PK\x03\x04people.csvemail:a\nemail:b\n"), /a ZIP archive\. Unpack it/);
  await check(archive, /an Excel workbook .*CSV UTF-8/);
  await check(latin(`people.csv${"\0".repeat(247)}ustar\x0000`), /a tar archive/);
  for (const [magic, kind] of [
    ["\x28\xb5\x2f\xfdx", /Zstandard/],
    ["BZh91AY&SYx", /bzip2/],
    ["\xfd7zXZ\0", /with xz/],
    ["%PDF-1.7\n", /PDF/],
    ["PAR1\x15", /Parquet/],
    ["e\0m\0", /NUL byte \(at 1\)/],
    ["\xff\xfee\0m\0", /UTF-16/],
    ["email:a\nemail:\0\n", /NUL byte \(at 14\)/],
    ["email:jos\xe9\nemail:ren\xe9\nemail:a\n", /not UTF-8/],
    ['"email:jos\xe9"\n"email:ren\xe9"\n', /not UTF-8/],
  ] as const) {
    await check(latin(magic), kind);
  }
  await check(`${"a".repeat(257)}ustard@x,email`, ["UNKNOWN_TYPE"]);
  await check("BZhou:1\nemail:a", ["UNKNOWN_TYPE", "email:a"]);
  await check(latin("email:jos\xe9\nemail:a\n"), ["NOT_UTF8", "email:a"]);
  const whole = gzipped("email:a");
  for (const damaged of [whole.slice(0, -1), whole.slice(0, 2)]) {
    await assert.rejects(read(fileOf(damaged)), /gzip data is damaged/);
  }
});

test("a header of types is refused", async () => {
  for (const body of [
    "user_id,email\nu,e\n",
    "User_ID, Email\nu,e\n",
    '[["user_id","email"],["u","e"]]',
    "user_id,email,anonymous_id\n",
    "user_id,email,anonymous_id,ios.id\n",
    "user_id,phone\nu,1\nv,2\n",
    "user_id\nemail:a\n",
    '{"column_names":["user_id"],"data":[["email:a"]]}',
  ]) {
    await check(body, /columns that are named by types/);
  }
  await check("user_id,bob\n", ["user_id:bob"]);
  await check("user_id,bob\nnobody,x\n", ["user_id:bob", "UNKNOWN_TYPE"]);
  await check("user_id,bob\nemail,44\nnobody,x\n", ["user_id:bob", "email:44", "UNKNOWN_TYPE"]);
  await check("key,value\nuser_id,email\n", ["user_id:email"]);
  await check('[{"key":"user_id","value":"email"}]', ["user_id:email"]);
  await check("user_id:email\n", ["user_id:email"]);
  await check('[{"user_id":"email:a"},{"any":"email:a"}]', ["MISSING_FIELD", "email:a"]);
});

test("a separator is read if a header shows it", async () => {
  for (const [name, separator] of [
    ["semicolon", ";"],
    ["tab", "\t"],
    ["vertical bar", "|"],
  ] as const) {
    const rows = `email${separator}a,b\nemail${separator}"c${separator}d"\n`;
    const expected = ["email:a,b", `email:c${separator}d`];
    await check(`key${separator} value\r\n${rows}`, expected);
    await check(`sep=${separator}\n${rows}`, expected);
    await check(`\ufeffsep=${separator}\r\nkey${separator}value\r\n${rows}`, expected);
    await check(rows.replaceAll(",", "."), new RegExp(`separated by a ${name}`));
  }
  assert.deepEqual(await identifiers("user_id;type;id\nu;email;e"), ["user_id:u email:e"]);
  await check("email:a;b\nemail:c|d\n", ["email:a;b", "email:c|d"]);
});

test("extra cells are treated alike for both actions", async () => {
  await check("key,value,note\nemail,a,x\nemail,b,\nemail,c\nemail,d,x,\nemail,e,x,y\n", [
    "email:a",
    "email:b",
    "CELLS",
    "email:d",
    "CELLS",
  ]);
  const withNote = "user_id,type,id,note\nu,email,a,x\nu,email,b,\nu,email,c\nu,email,d,x,\nu,email,e,x,y\n";
  const expected = ["user_id:u email:a", "user_id:u email:b", "CELLS", "user_id:u email:d", "CELLS"];
  assert.deepEqual(await identifiers(withNote), expected);
  await check("email,a,\nemail:b,\nemail:c,,,\n", ["email:a", "email:b", "email:c"]);
  assert.deepEqual(await identifiers("u,email,e,\nu,email,f,,\n"), ["user_id:u email:e", "user_id:u email:f"]);
});

test("comma-separated values", async () => {
  await check("email:a\r\nemail:b,c\n\n \nemail:d", ["email:a", "UNKNOWN_TYPE", "email:d"]);
  await check('"profile"\n"email:a"\n', ["email:a"]);
  await check("\ufeffemail:a\n\ufeffemail:b", ["email:a", "UNKNOWN_TYPE"]);
  await check('email,a\nemail,"b,""c""d"\nemail, e \n', ["email:a", 'email:b,"c"d', "email: e "]);
  await check("KEY,Value\nemail,a:b\nemail,\nemail\n", ["email:a:b", "EMPTY_VALUE", "CELLS"]);
  await check("value,note,key\na,x,email\n", ["email:a"]);
  await check('email:a\n""\na,b,c,d\n', ["email:a", "NO_COLON", "CELLS"]);
  await check(latin("email:\xff\nemail:a"), ["NOT_UTF8", "email:a"]);
  await check("email:a\r", ["email:a"]);
  await check("", []);
  await check(" \r\n", []);
  await check(`email${",".repeat(2_000)}`, ["CELLS"]);
});

test("a quote that is never closed is one faulty row", async () => {
  await check('email:a\n"email:b\nemail:c\n', ["email:a", "QUOTES", "email:c"]);
  await check('email:a\n"email:b\n"email:c,d"\n', /^Line 2 has a quoted cell/);
  await check('email:a\n"email:b"x\nemail:"c"\n', ["email:a", "QUOTES", 'email:"c"']);
  await check('"email",b\nemail,"a\nemail,c', ["email:b", "QUOTES", "email:c"]);
});

test("a bad row does not change the format", async () => {
  await check("email:a\n{}\n[]\nemail:b\nemail:c", ["email:a", "NO_COLON", "NO_COLON", "email:b", "email:c"]);
  await check("{oops\nemail:a\nemail:b", ["NO_COLON", "email:a", "email:b"]);
  await check("[oops:\nemail:a\nemail:b", ["UNKNOWN_TYPE", "email:a", "email:b"]);
});
