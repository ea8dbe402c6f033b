import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, withChanges } from "../../src/rows/change.ts";
import { type Page, pageBody, pagesOf } from "../../src/rows/page.ts";
import { Rejections } from "../../src/rows/rejection.ts";
import { rowJson } from "../../src/rows/row.ts";
import type { RowFile } from "../../src/rows/source.ts";
import { byteLength } from "../../src/rows/text.ts";
import { fileOf, read, shown, signal } from "./row_files.ts";

async function pagesIn(file: RowFile): Promise<Page[]> {
  const { format } = await read(file);
  const pages = [];
  for await (const page of pagesOf(file, format, [], { signal })) pages.push(page);
  return pages;
}

/** Inputs of which others have read another thing than was written, and what `efface bulk` sends of them. */
const CASES: [name: string, content: string, sent: string | RegExp][] = [
  [
    "cr-line-ends.csv",
    "email:z_010@example.com\remail:z_011@example.com",
    '["email:z_010@example.com","email:z_011@example.com"]',
  ],
  [
    "first-row-without-colon.csv",
    "bug_150@example.com\nemail:bug_151@example.com\n",
    '["bug_150@example.com","email:bug_151@example.com"]',
  ],
  ["header-of-types.csv", "user_id,email\nz_015,z_015@example.com\n", /columns that are named by types/],
  ["html-error-page.csv", "<html><body>502 Bad Gateway</body></html>\n", /HTML or XML/],
  [
    "identifier-row-with-extra-column.csv",
    "user_id,type,id,note\nz_004,email,z_004@example.com,x\n",
    '[{"user_id":"z_004","type":"email","id":"z_004@example.com"}]',
  ],
  ["nbsp-around-value.csv", "email:nbsp@example.com\u00a0\n", '["email:nbsp@example.com\u00a0"]'],
  [
    "newline-in-quotes.csv",
    'key,value\nemail,"bug_112@example.com\n"\nemail,bug_113@example.com\n',
    /Line 2 has a quoted cell/,
  ],
  [
    "rows-and-data.json",
    '{"rows":["email:z_016@example.com"],"column_names":["c"],"column_types":["varchar"],"data":[["email:z_017@example.com"]]}',
    /both rows and data/,
  ],
  [
    "semicolon.csv",
    "key;value\r\nemail;bug_025@example.com\r\nemail;bug_026@example.com\r\n",
    '[{"key":"email","value":"bug_025@example.com"},{"key":"email","value":"bug_026@example.com"}]',
  ],
  [
    "stored-zip-as.csv",
    "PK\x03\x04\n\0\0\0\0\0people.csvemail:z_023@example.com\nemail:z_024@example.com\n",
    /a ZIP archive/,
  ],
];

for (const [name, content, sent] of CASES) {
  test(`${name} is read as it is written, or refused by name`, async () => {
    for (const size of [1 << 20, 1]) {
      const pages = pagesIn(fileOf(content, name, size));
      if (typeof sent === "string")
        assert.deepEqual(
          (await pages).map(({ rows }) => rows),
          [sent],
        );
      else await assert.rejects(pages, sent);
    }
  });
}

test("rows are sent as efface bulk sends them", async () => {
  const sent = async (body: string) => (await pagesIn(fileOf(body))).map(pageBody);
  assert.deepEqual(await sent("email,a\nemail\n"), ['{"page":1,"rows":[["email","a"],"email"]}']);
  assert.deepEqual(await sent('[1.5,"email:a"]'), ['{"page":1,"rows":[null,"email:a"]}']);
  assert.deepEqual(await sent("u,email,a\na,b,c,d"), [
    '{"page":1,"rows":[{"user_id":"u","type":"email","id":"a"},null]}',
  ]);
  assert.deepEqual(await sent('key;value\r\nemail;a"b\u0001é\r\nemail\r\n'), [
    '{"page":1,"rows":[{"key":"email","value":"a\\"b\\u0001é"},null]}',
  ]);
  assert.deepEqual(await sent(""), []);
});

test("pages have the numbers and the bounds of efface bulk", async () => {
  const rows = Array.from({ length: 25_000 }, (_, place) => `email:person-${place}@example.com`);
  const pages = await pagesIn(fileOf(rows.join("\n"), "rows", 65_536));
  assert.deepEqual(
    pages.map(({ number, firstRow, count }) => [number, firstRow, count]),
    [
      [1, 1, 10_000],
      [2, 10_001, 10_000],
      [3, 20_001, 5_000],
    ],
  );
  assert.equal(pages.map((page) => JSON.parse(page.rows).join("\n")).join("\n"), rows.join("\n"));
  // As many rows of 60,007 bytes and a comma as fit into 4 MiB without 1 KiB.
  const long = await pagesIn(fileOf(`email:${"é".repeat(29_999)}\n`.repeat(100)));
  assert.deepEqual(
    long.map(({ count }) => count),
    [69, 31],
  );
  for (const page of long) assert.ok(byteLength(pageBody(page)) <= 4 * 1024 * 1024);
  const tooLong = await pagesIn(fileOf(`email:${"y".repeat(65_536)}\nemail:a`));
  assert.equal(tooLong[0]?.rows, '[null,"email:a"]');
});

test("a very long line is one faulty row, and is not kept", async () => {
  const { rows } = await read(fileOf(`email:a\nemail,"${"y".repeat(9_000_000)}",x\nemail:b`, "rows", 65_536));
  assert.deepEqual(
    rows.map(({ row, line }) => [shown(row), line]),
    [
      ["email:a", 1],
      ["LONG_ROW", 2],
      ["email:b", 3],
    ],
  );
});

test("what will be invalid is known before it is sent", async () => {
  const { reading } = await read(fileOf("email:a\nbob\nemail:\nbob\nsize:4\n"));
  assert.equal(reading.rejections.total, 4);
  assert.deepEqual(
    reading.rejections.groups.map(({ code, rows, lines }) => [code, rows, lines]),
    [
      ["invalid_row", 2, [2, 4]],
      ["invalid_value", 1, [3]],
      ["unsupported_eid_type", 1, [5]],
    ],
  );
});

test("equal rejections of all pages are told as one", () => {
  const rejections = new Rejections();
  const rejected = [0, 1].map((row) => ({ row, code: "invalid_row", message: "The row is wrong." }));
  const known = (row: number) => (row === 1 ? { code: "invalid_row", message: "Known here." } : null);
  rejections.addPage({ accepted: 0, rejected, rejected_total: 2 }, (row) => 100 + row, known);
  rejections.addPage(
    { accepted: 0, rejected, rejected_total: 5 },
    (row) => 10 + row,
    () => null,
  );
  assert.deepEqual([rejections.total, rejections.unlisted], [7, 3]);
  assert.deepEqual(rejections.groups, [
    { code: "invalid_row", message: "The row is wrong.", rows: 3, lines: [10, 11, 100] },
    { code: "invalid_row", message: "Known here.", rows: 1, lines: [101] },
  ]);
});

test("only the rows that somebody asked for are written in another form", () => {
  const row = { shape: "text", cells: ["email:Ada:B"] } as const;
  assert.equal(rowJson(changed(row, "lower")), '"email:ada:b"');
  assert.equal(
    rowJson(changed({ shape: "pair", cells: ["email", " Jose\u0301\u200b "] }, "plain")),
    '{"key":"email","value":"José"}',
  );
  assert.equal(rowJson(changed({ shape: "text", cells: ["USE_1"] }, "lower")), '"USE_1"');
  assert.equal(
    rowJson(changed({ shape: "user_id", cells: ["U", "email", "E"] }, "lower")),
    '{"user_id":"U","type":"email","id":"E"}',
  );
  const changes = [
    { form: "plain", rows: new Set([2]) },
    { form: "upper", rows: new Set([1, 2]) },
  ] as const;
  const values = [1, 2, 3].map((number) =>
    rowJson(withChanges({ shape: "text", cells: ["email: a"] }, number, changes)),
  );
  assert.deepEqual(values, ['"email: A"', '"email:A"', '"email: a"']);
});
