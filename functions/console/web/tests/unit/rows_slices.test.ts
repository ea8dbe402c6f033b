import assert from "node:assert/strict";
import { test } from "node:test";
import { recognise } from "../../src/rows/format.ts";
import { firstCells, madeOf, PLAIN_LAYOUT, withPart } from "../../src/rows/layout.ts";
import { RowLines } from "../../src/rows/line.ts";
import { rowsOf } from "../../src/rows/reader.ts";
import { readAll } from "../../src/rows/reading.ts";
import { rowJson } from "../../src/rows/row.ts";
import type { RowFile } from "../../src/rows/source.ts";
import { Unreadable } from "../../src/rows/unreadable.ts";
import { fileOf, gzipped, latin, read, shown, signal, TYPES } from "./row_files.ts";

/** Numbers that look random, the same in each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PIECES = [
  ...'email:a|email,b|user_id,type,id|key;value|é|𝒳|\ufeff|\u00a0|"|,|;|:|{|}|[|]|\\|\\ud83d\\ude00|\\ud800'.split("|"),
  ...['{"key":"email","value":"é"}', '["email","b"]', '"email:a"', "\n", "\n", "\r\n", "\r", " ", "\t"],
];

test("any slices of a file give the same rows", async () => {
  const next = random(7);
  const resultOf = async (file: RowFile) => {
    try {
      return (await read(file)).rows.map(({ row, line }) => `${line} ${rowJson(row)}`);
    } catch (fault) {
      assert.ok(fault instanceof Unreadable, String(fault));
      return fault.message;
    }
  };
  for (let round = 0; round < 150; round++) {
    const parts = Array.from({ length: next(14) }, () => PIECES[next(PIECES.length)] ?? "");
    const bytes = new TextEncoder().encode(parts.join(""));
    if (next(4) === 0 && bytes.length > 0) bytes[next(bytes.length)] = 0xff;
    const whole = await resultOf(fileOf(bytes));
    const label = Buffer.from(bytes).toString("latin1");
    assert.deepEqual(await resultOf(fileOf(bytes, "rows", 1)), whole, label);
    assert.deepEqual(await resultOf(fileOf(bytes, "rows", () => 1 + next(5))), whole, label);
    assert.deepEqual(await resultOf(fileOf(gzipped(bytes), "rows", () => 1 + next(20))), whole, label);
  }
});

test("rows have the lines of their file", async () => {
  const linesOf = async (body: string) => (await read(fileOf(body, "rows", 1))).rows.map(({ line }) => line);
  assert.deepEqual(await linesOf("email:a\n\nemail:b"), [1, 3]);
  assert.deepEqual(await linesOf('\ufeffkey,value,note\r\nemail,a,"x ""y"", z"\r\n\r\nemail,b,\r\n'), [2, 4]);
  assert.deepEqual(await linesOf("sep=;\nkey;value\remail;a\r\remail;b"), [3, 5]);
  assert.deepEqual(await linesOf('[\n"email:a",\n {\n"key":"email","value":"b"}, 7 ]'), [2, 3, 4]);
  assert.deepEqual(await linesOf('{"column_names":["k"],\r\n"data":[["email:a"],\r[]]}'), [2, 3]);
  assert.deepEqual(await linesOf('"email:a"\n\n {"key":"email","value":"b"}\n"email:c"'), [1, 3, 4]);
});

test("the line of each row is kept, whatever the lines are", () => {
  const next = random(3);
  for (let round = 0; round < 200; round++) {
    const lines = new RowLines();
    let line = 1;
    const all = Array.from({ length: 1 + next(40) }, () => {
      line += next(round % 2 === 0 ? 4 : 2);
      lines.push(line);
      return line;
    });
    assert.deepEqual(
      all.map((_, row) => lines.of(row + 1)),
      all,
    );
  }
});

test("a table that nobody can know is read as somebody says", async () => {
  const file = fileOf("E-Mail;Name\nada@example.com;Ada\nbob@example.com\n", "people.csv");
  const { format, firstLines } = await recognise(file, { signal });
  assert.ok(format instanceof Unreadable && format.isTable);
  const start = { ...PLAIN_LAYOUT, separator: ";", hasHeader: true } as const;
  const layout = withPart(madeOf(start, "pair", firstCells(firstLines, ";")), 0, { text: "email" });
  const given = withPart(layout, 1, 0);
  const rows = [];
  for await (const some of rowsOf(file, { kind: "table", layout: given }, { signal })) rows.push(...some);
  assert.deepEqual(
    rows.map(({ row }) => shown(row)),
    ["email:ada@example.com", "CELLS"],
  );
});

test("reading can be stopped, and a file that is gone is named", async () => {
  const stop = new AbortController();
  const file = fileOf("email:a\n".repeat(1_000), "rows", 10);
  stop.abort();
  await assert.rejects(recognise(file, { signal: stop.signal }), { name: "AbortError" });
  const gone: RowFile = {
    ...file,
    stream: () =>
      new ReadableStream({
        pull(controller) {
          controller.error(new DOMException("gone", "NotReadableError"));
        },
      }),
  };
  const { format } = await recognise(gone, { signal });
  assert.ok(format instanceof Unreadable && /can't be read any more/.test(format.message));
  const purpose = { action: "delete_profile", types: TYPES } as const;
  await assert.rejects(readAll(gone, { kind: "lines" }, purpose, { signal }), Unreadable);
});

test("bytes that are not UTF-8 are told from the letter that replaces them", async () => {
  const { rows } = await read(
    fileOf(latin("email:\xef\xbf\xbd\nemail:\xf0\x9f\nemail:a\nemail:\xe2\x82\xac\n"), "rows", 1),
  );
  assert.deepEqual(
    rows.map(({ row }) => shown(row)),
    ["email:\ufffd", "NOT_UTF8", "email:a", "email:€"],
  );
});
