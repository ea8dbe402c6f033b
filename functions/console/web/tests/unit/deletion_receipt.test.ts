import assert from "node:assert/strict";
import { test } from "node:test";
import { handReceipt, takeReceipt } from "../../src/deletion/receipt_store.ts";
import { fileName, NotLoggedYet, type Wait, whenLogged } from "../../src/deletion/receipt_wait.ts";

/** Asks until the answers are used up, and notes the pauses. */
async function waited(answers: ({ text: string } | Wait)[]) {
  const pauses: number[] = [];
  const pause = async (seconds: number) => void pauses.push(seconds);
  const answer = await whenLogged(async () => answers.shift() ?? { wait: 7 }, pause).catch((problem) => problem);
  return { answer, pauses };
}

test("a receipt is waited for as long as the API says, and for half a minute at most", async () => {
  assert.deepEqual(await waited([{ text: "r" }]), { answer: { text: "r" }, pauses: [] });
  assert.deepEqual(await waited([{ wait: 2 }, { wait: 0 }, { text: "r" }]), { answer: { text: "r" }, pauses: [2, 1] });
  const { answer, pauses } = await waited([]);
  assert.ok(answer instanceof NotLoggedYet);
  assert.deepEqual(pauses, [7, 7, 7, 7, 2]);
});

test("a file is named by the index of the entry", () => {
  assert.equal(fileName("c2sp.org/tlog-proof@v1\nextra a\nindex 1742\n"), "receipt-1742.txt");
  assert.equal(fileName("something else"), "receipt.txt");
});

test("a receipt is handed over once", () => {
  handReceipt({ text: "r", identifier: "email:a" });
  assert.deepEqual(takeReceipt(), { text: "r", identifier: "email:a" });
  assert.equal(takeReceipt(), null);
});
