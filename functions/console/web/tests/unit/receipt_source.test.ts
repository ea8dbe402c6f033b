import assert from "node:assert/strict";
import { test } from "node:test";
import { readKeys } from "../../src/receipt/note.ts";
import { type CheckedList, checkSource } from "../../src/receipt/source.ts";
import { type Identifier, Verifier } from "../../src/receipt/verify.ts";
import { provedBy, titleOf, told, warningOf } from "../../src/receipt/words.ts";
import { KEY, leafOf, NONCE, REMOVED, receiptOf } from "./receipt_log.ts";

const ADA = { type: "email", value: "ada@example.com" };
const verifier = new Verifier(await readKeys(KEY.line));
const receipt = await receiptOf(REMOVED);
const lineOf = (members: object = {}) =>
  JSON.stringify({ index: 2, page: 0, row: 17, id_type: "email", receipt, ...members });

async function listOf(text: string, identifier: Identifier | null = null): Promise<CheckedList> {
  const checked = await checkSource({ name: "list", blob: new Blob([text]) }, verifier, identifier);
  return checked.kind === "list" ? checked.list : assert.fail(JSON.stringify(checked));
}

test("a receipt is told from a list by its first byte", async () => {
  const checked = await checkSource({ name: "one", blob: new Blob([receipt]) }, verifier, ADA);
  assert.equal(checked.kind, "holds");
  const bad = await checkSource({ name: "bad", blob: new Blob([receipt.slice(1)]) }, verifier, ADA);
  assert.match(bad.kind === "fault" ? bad.fault : "", /first line/);
});

test("every line of a list is checked and counted", async () => {
  const created = await receiptOf(REMOVED.replace("removed", "created"));
  const lines = [
    lineOf(),
    lineOf({ receipt: created }),
    lineOf({ row: 18, receipt: receipt.replace("index 2", "index 1") }),
  ];
  const list = await listOf(`${lines.join("\n")}\n`, ADA);
  assert.deepEqual([list.lines, list.holding, list.isStopped], [3, 2, false]);
  // Two lines for entry 2 prove one entry.
  assert.deepEqual([...list.entries], [2n]);
  assert.deepEqual([...list.events], [["identifier.removed", 1]]);
  assert.deepEqual(list.about, [2n]);
  assert.deepEqual(list.bad, [
    { line: 3, row: "row 18", fault: "The entry is not at this index of the log with this root." },
  ]);
  assert.deepEqual((await listOf(lines.join("\n"), { type: "email", value: "eve@example.com" })).about, []);
  assert.equal((await listOf(lines.join("\n"))).about, null);
});

test("a list that is named after a job has its entries only", async () => {
  const text = lineOf({ receipt: await receiptOf(REMOVED.replace('"v":1', '"v":1,"job_id":"job_a1"')) });
  const of = async (name: string) => {
    const checked = await checkSource({ name, blob: new Blob([text]) }, verifier, null);
    return checked.kind === "list" ? checked.list : assert.fail();
  };
  assert.deepEqual([...(await of("receipts-job_a1.ndjson")).jobs], ["job_a1"]);
  assert.equal((await of("list")).holding, 1);
  assert.match((await of("Receipts of job_b2")).bad[0]?.fault ?? "", /not of the job/);
});

test("it is said in a few words what was found out about a list", async () => {
  const list = await listOf(`${lineOf()}\n`);
  const title = (members: Partial<CheckedList>) => titleOf({ ...list, ...members });
  assert.equal(title({}), "The receipt holds");
  assert.match(title({ lines: 3 }), /^Of 3 receipts, 2 do not hold$/);
  assert.match(title({ lines: 3, holding: 3 }), /all hold, but only 1 entry/);
  assert.match(title({ lines: 0, isStopped: true }), /^Stopped before the first/);
  assert.match(title({ lines: 0 }), /empty/);
  const results = [
    { source: "a", kind: "fault", fault: "" },
    { source: "b", kind: "list", list },
  ] as const;
  assert.equal(told(results), "1 receipt does not hold. The receipt holds.");
});

test("a line may not say something else than its receipt", async () => {
  for (const [members, fault] of [
    [{ index: 3 }, /another entry than its receipt, which is for entry 2/],
    [{ id_type: "phone" }, /another type/],
    [{ index: { toString: 1 }, row: { toString: 1 }, page: {} }, /another entry/],
    [{ receipt: 7 }, /no receipt/],
    [{ receipt: "x" }, /first line/],
  ] as const) {
    assert.match((await listOf(lineOf(members))).bad[0]?.fault ?? "", fault);
  }
  assert.match((await listOf(lineOf().replace("{", '{"index":2,'))).bad[0]?.fault ?? "", /twice/);
  assert.match((await listOf(`${lineOf()}\n\n${lineOf()}`)).bad[0]?.fault ?? "", /not JSON/);
});

test("a long list is read in parts, says how far it is, and can be stopped", async () => {
  const [count, blob] = [500, new Blob(Array(500).fill(`${lineOf()}\n`))];
  const control = new AbortController();
  const seen: number[] = [];
  const checked = await checkSource({ name: "long", blob }, verifier, null, (done) => seen.push(done), control.signal);
  assert.equal(checked.kind === "list" && checked.list.holding, count);
  assert.equal(seen.at(-1), blob.size);
  const stop = () => control.abort();
  const stopped = await checkSource({ name: "long", blob }, verifier, null, stop, control.signal);
  assert.deepEqual(stopped.kind === "list" && [stopped.list.lines, stopped.list.isStopped], [1, true]);
});

test("a list that is no text is refused as a whole", async () => {
  const bytes = new Blob(["{", Uint8Array.of(0xff), "\n"]);
  const checked = await checkSource({ name: "list", blob: bytes }, verifier, null);
  assert.match(checked.kind === "fault" ? checked.fault : "", /not a text/);
});

test("it is said what a receipt proves, and what it does not", async () => {
  const of = async (leaf: string, identifier: Identifier | null = null) => {
    const blob = new Blob([await receiptOf(leaf, { nonce: NONCE })]);
    const checked = await checkSource({ name: "", blob }, verifier, identifier);
    return checked.kind === "holds" ? checked.proved : assert.fail();
  };
  const deletion = await of(REMOVED, ADA);
  assert.equal(warningOf(deletion), null);
  assert.match(provedBy(deletion).proved.join(), /about the email that you entered/);
  assert.match(provedBy(deletion).notProved.join(), /did not come back/);
  assert.match(provedBy(await of(REMOVED)).notProved.join(), /no value was checked/);
  assert.match(warningOf(await of(REMOVED.replace("removed", "created"))) ?? "", /no receipt for a deletion/);
  const job = await of(leafOf({ event: "job.completed" }));
  assert.match(warningOf(job) ?? "", /event of a job/);
  assert.match(provedBy(job).notProved.join(), /names nobody/);
  assert.match(warningOf(await of(leafOf({ event: "job.completed", reason: "dry_run" }))) ?? "", /deleted nothing/);
  for (const [kind, told] of [
    ["keyed", /before commitments/],
    ["profile", /Which person/],
  ] as const) {
    const leaf = REMOVED.replace('"v":1', `"v":1,"subject_kind":"${kind}"`);
    assert.match(provedBy(await of(leaf)).notProved.join(), told);
  }
});
