import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/receipt/bytes.ts";
import { DoesNotHold } from "../../src/receipt/fault.ts";
import { readKeys } from "../../src/receipt/note.ts";
import { type Identifier, Verifier } from "../../src/receipt/verify.ts";
import { KEY, leafOf, NONCE, ORIGIN, REMOVED, receiptOf, SigningKey } from "./receipt_log.ts";

const ADA = { type: "email", value: "Ada@example.com" };
const GOOD = await receiptOf(REMOVED);
const keys = await readKeys(KEY.line);

const verify = (receipt: string, identifier: Identifier | null = null, by = keys) =>
  new Verifier(by).verify(utf8(receipt), identifier);
const refused = async (receipt: string, fault: RegExp, identifier: Identifier | null = null, by = keys) => {
  await assert.rejects(
    verify(receipt, identifier, by),
    (error) => error instanceof DoesNotHold && fault.test(error.message),
  );
};

test("a receipt proves its entry and its identifier, and asks nobody", async (t) => {
  t.mock.method(globalThis, "fetch", () => assert.fail("a request was made"));
  const proved = await verify(GOOD, ADA);
  assert.deepEqual([proved.index, proved.size, proved.origin, proved.key.id], [2n, 5n, ORIGIN, KEY.id.toString("hex")]);
  assert.equal(proved.entry.event, "identifier.removed");
  assert.deepEqual(proved.identifier, ADA);
  assert.equal((await verify(GOOD)).identifier, null);
});

test("every changed byte and every changed bit is found", async () => {
  const bytes = utf8(GOOD);
  const verifier = new Verifier(keys);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const text = Buffer.from(changed).toString();
    await assert.rejects(verifier.verify(changed, ADA), DoesNotHold, `bit ${bit}: ${text}`);
  }
  await verifier.verify(bytes, ADA);
});

test("what was cut off, added or written otherwise is found", async () => {
  for (let length = 0; length < GOOD.length; length += 1) await refused(GOOD.slice(0, length), /./);
  const [, extra = "", index = "", hash = ""] = GOOD.split("\n");
  for (const [other, fault] of [
    [`${GOOD}\n`, /not a signed note/],
    [`${GOOD}trailing\n`, /signature line/],
    [GOOD.replaceAll("\n", "\r\n"), /first line.*line ends/],
    [`\ufeff${GOOD}`, /first line.*beginning/],
    [GOOD.replace("@v1", "@v2"), /first line/],
    [GOOD.replace(`${extra}\n`, ""), /line is missing/],
    [GOOD.replace(`${index}\n`, ""), /line is missing/],
    [GOOD.replace("index 2", "index 02"), /index is not a number/],
    [GOOD.replace("index 2", "index +2"), /index is not a number/],
    [GOOD.replace("index 2", "index 5"), /not among the first 5/],
    [GOOD.replace("index 2", "index 1"), /not at this index/],
    [GOOD.replace(`${hash}\n`, ""), /too few/],
    [GOOD.replace(`${hash}\n`, `${hash}\n${hash}\n`), /./],
    [GOOD.replace(hash, hash.replace("=", "")), /base64/],
    [GOOD.replace(hash, `${hash} `), /base64/],
    [GOOD.replace(hash, "AAAA"), /not a hash/],
    [GOOD.replace(`${hash}\n`, `${hash}\n`.repeat(64)), /not a hash/],
    [GOOD.replace("\n5\n", "\n05\n"), /size is not a number/],
    [GOOD.replace("— ", "- "), /signature line/],
    ["x".repeat(2_000_001), /too long/],
  ] as const) {
    await refused(other, fault);
  }
  await assert.rejects(new Verifier(keys).verify(Uint8Array.of(0xff), null), /not a text/);
});

test("the extra line has one form", async () => {
  const nonce = NONCE.toString("base64url");
  const good = `{"leaf":"x","nonce":"${nonce}"}`;
  // In its one form, the line is read: then the entry is another one.
  await refused(await receiptOf(REMOVED, { extra: good }), /not at this index/);
  await refused(await receiptOf(REMOVED, { extra: '{"leaf":"\\u001f"}' }), /not at this index/);
  for (const extra of [
    "{}",
    "null",
    "7",
    '["x"]',
    '{"leaf":7}',
    '{"leaf":null}',
    '{"leaf": "x"}',
    '{"leaf":"x"} ',
    '{"leaf":"x","leaf":"x"}',
    '{"leaf":"x","more":1}',
    '{"leaf":"\\u001F"}',
    '{"leaf":"\\u0078"}',
    '{"leaf":"\\ud800"}',
    '{"leaf":"x","nonce":null}',
    `{"nonce":"${nonce}","leaf":"x"}`,
    good.replace(nonce, nonce.slice(1)),
    good.replace(nonce, `${nonce}=`),
    good.replace(nonce, `${nonce.slice(0, -1)}d`),
    `\ufeff${good}`,
  ]) {
    await refused(await receiptOf(REMOVED, { extra }), /extra line|nonce/);
  }
});

test("half of a surrogate pair does not pass for the letter that replaces it", async () => {
  const leaf = leafOf({ event: "identifier.removed", reason: "\ufffd" });
  await verify(await receiptOf(leaf, { nonce: null }));
  const extra = JSON.stringify({ leaf: leaf.replace("\ufffd", "\ud800") });
  await refused(await receiptOf(leaf, { extra }), /one form/);
});

test("an entry has one reading", async () => {
  for (const [leaf, fault] of [
    [REMOVED.replace('"v":1', '"v":2'), /form that is not known/],
    [REMOVED.replace('"v":1', '"v":"1"'), /form that is not known/],
    [REMOVED.replace('"v":1', '"v":1,"v":1'), /twice/],
    [REMOVED.replace('"v":1', '"v":1,"reason":"x"'), /twice/],
    [REMOVED.replace('"v":1', '"v":1,"counts":[{"a":1,"\\u0061":2}]'), /twice/],
    [`${REMOVED} x`, /not JSON/],
    ["7", /form that is not known/],
    ["[1]", /form that is not known/],
  ] as const) {
    await refused(await receiptOf(leaf), fault);
  }
  await verify(await receiptOf(REMOVED.replace('"v":1', '"v":1,"later":{"v":2,"a":[{"v":3},{"v":4},"v","v"]}')));
});

test("an identifier is tied to its entry, or it is said why not", async () => {
  const of = (leaf: string, fault: RegExp, nonce: Buffer | null = NONCE, identifier: Identifier = ADA) =>
    receiptOf(leaf, { nonce }).then((receipt) => refused(receipt, fault, identifier));
  await of(REMOVED, /another identifier/, NONCE, { type: "email", value: "eve@example.com" });
  await of(REMOVED, /another identifier/, NONCE, { type: "email", value: " ada@example.com" });
  await of(REMOVED, /another identifier/, Buffer.alloc(32, 8));
  await of(REMOVED.replace("lowercase", "none"), /another identifier/);
  await of(REMOVED, /of type email/, NONCE, { type: "phone", value: "ada@example.com" });
  await of(REMOVED, /no nonce/, null);
  await of(REMOVED.replace("lowercase", "uppercase"), /no rule/);
  await of(REMOVED.replace('"v":1', '"v":1,"subject_kind":"keyed"'), /before commitments/);
  await of(REMOVED.replace('"v":1', '"v":1,"subject_kind":"profile"'), /not about an identifier/);
  await of(leafOf({ event: "job.completed" }), /not about an identifier/);
});

test("only a key of the log that was given counts", async () => {
  const others = await readKeys(
    [new SigningKey(ORIGIN, 2).line, new SigningKey("other.example.com", 1).line].join("\n"),
  );
  await refused(GOOD, /not signed by log\.example\.com/, null, others);
  await refused(GOOD, /of which no key was given/, null, others.slice(1));
  await refused(GOOD, /of which no key was given/, null, []);
  await verify(GOOD, null, [...others, ...keys]);
  // A witness's line is ignored, whatever its signature is; a line of the log's own key is not.
  const witness = Buffer.alloc(80, 9).toString("base64");
  await verify(`${GOOD}— witness.example.com ${witness}\n`);
  await refused(`${GOOD}— ${ORIGIN} ${Buffer.concat([KEY.id, Buffer.alloc(64)]).toString("base64")}\n`, /not valid/);
  await refused(`${GOOD}— ${ORIGIN} ${Buffer.concat([KEY.id, Buffer.alloc(63)]).toString("base64")}\n`, /not valid/);
});

test("the signature of a checkpoint is not taken for that of another one", async () => {
  const verifier = new Verifier(keys);
  await verifier.verify(utf8(GOOD), ADA);
  const other = await receiptOf(REMOVED, { key: new SigningKey(ORIGIN, 2) });
  await assert.rejects(verifier.verify(utf8(other), ADA), /not signed by/);
  await verifier.verify(utf8(GOOD), ADA);
});
