import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkEntries,
  checkHead,
  entriesOf,
  type Head,
  type Mark,
  pinnedOf,
  unpublished,
} from "../../src/audit/inclusion.ts";
import type { AuditEvent } from "../../src/audit/search.ts";
import { type Bytes, concat, utf8 } from "../../src/receipt/bytes.ts";
import { readKeys } from "../../src/receipt/note.ts";
import { leafHash, nodeHash, tileName } from "../../src/receipt/tree.ts";
import { bundleOf, KEY, leafOf, ORIGIN } from "./receipt_log.ts";

const SIZE = 300;
const told = (index: number) => ({ event: "job.created", job_id: `job_${index}`, counts: { rows: index, failed: 0 } });
const leaves = Array.from({ length: SIZE }, (_, index) => leafOf(told(index)));
const hashes = await Promise.all(leaves.map((leaf) => leafHash(utf8(leaf))));

async function rootOf(some: readonly Bytes[]): Promise<Bytes> {
  const split = 2 ** Math.floor(Math.log2(some.length - 1));
  return some.length === 1
    ? (some[0] ?? assert.fail())
    : nodeHash(await rootOf(some.slice(0, split)), await rootOf(some.slice(split)));
}

const whole = await rootOf(hashes.slice(0, 256));
const FILES = new Map([
  ["0/000", concat(...hashes.slice(0, 256))],
  ["0/001.p/44", concat(...hashes.slice(256))],
  ["1/000.p/1", whole],
  ["entries/000", bundleOf(leaves.slice(0, 256))],
  ["entries/001.p/44", bundleOf(leaves.slice(256))],
]);
const [key = assert.fail()] = await readKeys(KEY.line);
const HEAD: Head = { origin: ORIGIN, size: BigInt(SIZE), root: await rootOf(hashes), key, isPinned: true };
const NOW = new Date("2026-11-22T09:31:00Z");
const shown = (index: number, members: Partial<AuditEvent> = {}): AuditEvent => ({
  index,
  time: "2026-11-22T09:30:00.123Z",
  id_type: null,
  ...told(index),
  ...members,
});

async function check(events: AuditEvent[], changed: [string, Bytes][] = [], head = HEAD): Promise<Mark[]> {
  const files = new Map([...FILES, ...changed]);
  const read = async (name: string) => files.get(name) ?? assert.fail(name);
  return checkEntries(events, head, "spa_demo", read, NOW);
}
const fault = (mark: Mark | undefined) => (mark?.kind === "bad" ? mark.fault : assert.fail(mark?.kind));

test("entries that the log has are in it, and later ones are not published", async () => {
  const all = [0, 1, 255, 256, 298, 299, 300, 4_000].map((index) => shown(index));
  const kinds = (await check(all)).map(({ kind }) => kind);
  assert.deepEqual(kinds, [...Array(6).fill("in_log"), "unpublished", "unpublished"]);
});

test("an entry that the log still does not have after ten minutes is late", () => {
  const kind = (now: string, time?: string) => unpublished(shown(4_000, time ? { time } : {}), new Date(now)).kind;
  assert.equal(kind("2026-11-22T09:40:00Z"), "unpublished");
  assert.equal(kind("2026-11-22T09:40:01Z"), "late");
  assert.equal(kind("2026-11-22T09:31:00Z", "soon"), "late");
});

test("a log other than the one whose key was pinned for the space is refused", () => {
  const other = { ...key, name: "log.example.org/1/spa_other" };
  assert.deepEqual(pinnedOf([other, key], ORIGIN, "spa_demo"), [key]);
  assert.deepEqual(pinnedOf([other], ORIGIN, "spa_demo"), []);
  assert.throws(
    () => pinnedOf([key], "evil.example/spa_demo", "spa_demo"),
    /The log is evil.*you have pinned is of log/,
  );
});

test("each file is read once, and none that is not needed", async () => {
  const names: string[] = [];
  const read = async (name: string) => {
    names.push(name);
    return FILES.get(name) ?? assert.fail(name);
  };
  await checkEntries([shown(299), shown(298), shown(300)], HEAD, "spa_demo", read, NOW);
  assert.deepEqual(names.sort(), ["0/001.p/44", "1/000.p/1", "entries/001.p/44"]);
});

test("an entry that is shown otherwise than the log has it does not match", async () => {
  for (const [members, what] of [
    [{ event: "job.started" }, /its event/],
    [{ time: "2026-11-22T09:30:00.124Z" }, /its time/],
    [{ token_id: "tok_1" }, /its token_id/],
    [{ job_id: null }, /its job_id/],
    [{ counts: { rows: 8, failed: 0 } }, /its counts/],
    [{ counts: null }, /its counts/],
  ] as const) {
    assert.match(fault((await check([shown(7, members)]))[0]), what);
  }
  assert.deepEqual((await check([shown(7, { counts: { failed: 0, rows: 7 } })]))[0], { kind: "in_log" });
  const marks = await checkEntries(
    [shown(7)],
    HEAD,
    "spa_other",
    async (name) => FILES.get(name) ?? assert.fail(),
    NOW,
  );
  assert.match(fault(marks[0]), /another space/);
});

test("a changed bit of a file that an entry follows from is found", async () => {
  const flipped = (name: string, at: number): [string, Bytes] => {
    const bytes = (FILES.get(name) ?? assert.fail()).slice();
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return [name, bytes];
  };
  const second = 2 + utf8(leaves[256] ?? "").length;
  assert.match(fault((await check([shown(257)], [flipped("entries/001.p/44", second + 10)]))[0]), /not at this index/);
  assert.match(fault((await check([shown(257)], [flipped("0/001.p/44", 0)]))[0]), /not at this index/);
  assert.match(fault((await check([shown(257)], [flipped("1/000.p/1", 31)]))[0]), /not at this index/);
  const root = HEAD.root.slice();
  root[0] = (root[0] ?? 0) ^ 1;
  assert.match(fault((await check([shown(257)], [], { ...HEAD, root }))[0]), /not at this index/);
  // What an entry does not follow from does not matter to it.
  assert.equal((await check([shown(257)], [flipped("0/000", 0)]))[0]?.kind, "in_log");
});

test("a file with another length than its name says is refused", async () => {
  const cut = (name: string): [string, Bytes] => [name, (FILES.get(name) ?? assert.fail()).slice(0, -1)];
  assert.match(fault((await check([shown(257)], [cut("0/001.p/44")]))[0]), /wrong length/);
  assert.match(fault((await check([shown(257)], [cut("entries/001.p/44")]))[0]), /within an entry/);
  assert.match(
    fault((await check([shown(257)], [["entries/001.p/44", bundleOf(leaves.slice(257))]]))[0]),
    /another number/,
  );
  assert.throws(() => entriesOf(Uint8Array.of(0), 1), /within an entry/);
  assert.deepEqual(
    entriesOf(bundleOf(["", "a"]), 2).map((entry) => entry.length),
    [0, 1],
  );
});

test("the log must be that of the space", () => {
  assert.equal(checkHead(HEAD, "spa_demo"), HEAD);
  assert.throws(() => checkHead(HEAD, "demo"), /not that of demo/);
  assert.equal(tileName({ row: 0n, index: 1n, width: 44 }), "0/001.p/44");
});
