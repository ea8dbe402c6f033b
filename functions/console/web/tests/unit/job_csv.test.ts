import assert from "node:assert/strict";
import { test } from "node:test";
import { nextOfLink, readTable } from "../../src/job/csv.ts";

const HEAD = "page,row,outcome\r\n";

test("the next page is found in the header Link", () => {
  assert.equal(nextOfLink('</v1/spaces/s/deletion_jobs/j/outcomes?limit=100&next=a%2Bb>; rel="next"'), "a+b");
  assert.equal(nextOfLink(null), null);
  assert.equal(nextOfLink('</x?next=a>; rel="prev"'), null);
});

test("pages become one table with one header, also where a page is empty", async () => {
  const pages = [`${HEAD}0,0,deleted\r\n0,1,failed\r\n`, HEAD, `${HEAD}1,0,deleted\r\n`];
  const asked: string[] = [];
  const told: number[] = [];
  const read = async (next: string) => {
    asked.push(next);
    const at = Number(next);
    return { text: pages[at] ?? "", next: at + 1 < pages.length ? String(at + 1) : null };
  };
  const { text, rows } = await readTable(read, (count) => told.push(count));
  assert.equal(text, `${HEAD}0,0,deleted\r\n0,1,failed\r\n1,0,deleted\r\n`);
  assert.deepEqual([rows, asked, told], [3, ["", "1", "2"], [2, 2, 3]]);
});
