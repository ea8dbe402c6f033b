import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { apiOf } from "./api.mjs";
import { browserTest, goTo } from "./harness.mjs";

const EMAIL = "receipt.private@example.com";

/** A receipt for the deletion of the address, and the key of the log, as somebody else would have got them. */
async function receiptOf({ ready, tab }) {
  tab.plant(EMAIL);
  const api = apiOf(ready, tab.token("workspace_owner"));
  const path = `email:${encodeURIComponent(EMAIL)}`;
  const { data } = await api.json("GET", "collections/users/profiles/user_id:receipt_001/external_ids");
  if (data.some(({ id }) => id === EMAIL)) {
    const body = { delete_external_ids: [{ type: "email", id: EMAIL }] };
    await api.json("POST", "collections/users/profiles/user_id:receipt_001/external_ids/delete", body);
  }
  const receipt = await api.text(`receipts/${path}`);
  const { keys } = await api.json("GET", "log/key");
  return { receipt, key: keys.at(-1).key };
}

const fileOf = (text) => ({ name: "receipt.txt", mimeType: "text/plain", buffer: Buffer.from(text) });

/** A verifier key of the same name, which somebody else has made. */
function otherKey(key) {
  const [name] = key.split("+");
  const { publicKey } = generateKeyPairSync("ed25519");
  const bytes = Buffer.concat([Buffer.from([1]), publicKey.export({ type: "spki", format: "der" }).subarray(-32)]);
  const id = createHash("sha256").update(`${name}\n`).update(bytes).digest("hex").slice(0, 8);
  return `${name}+${id}+${bytes.toString("base64")}`;
}

/** The page for receipts of somebody who has no token. */
async function signedOut(tab) {
  const page = await tab.open();
  await page.getByRole("link", { name: "Check a receipt" }).click();
  await page.getByRole("heading", { level: 1, name: "Receipts" }).waitFor();
  return page;
}

const choose = (page, text) => page.getByLabel(/Choose files/).setInputFiles(fileOf(text));
const check = (page) => page.getByRole("button", { name: "Check", exact: true }).click();

browserTest("a receipt is checked signed out, with a pasted key, and nothing is sent", async (t) => {
  const { receipt, key } = await receiptOf(t);
  const page = await signedOut(t.tab);
  await page.getByLabel("Verifier key").fill(key);
  await choose(page, receipt);
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await check(page);
  await page.getByText("The receipt holds").waitFor();
  await page.getByText("no value was checked").waitFor();

  await page.getByLabel("Identifier type").fill("email");
  await page.getByLabel("Value", { exact: true }).fill(EMAIL);
  await check(page);
  await page.getByText("It is about the email that you entered, and about no other.").waitFor();

  await page.getByLabel("Value", { exact: true }).fill("somebody.else@example.com");
  await check(page);
  await page.getByRole("alert").getByText("The receipt does not hold").waitFor();
  assert.deepEqual(requests, [], "checking has sent something");
});

browserTest("the receipts of a job are got and checked as a list", async ({ tab, ready }) => {
  const api = apiOf(ready, tab.token("workspace_owner"));
  const rows = ["user_id:receipt_002", "user_id:receipt_nobody"];
  const { job } = await api.json("POST", "deletion_jobs", { action: "delete_profile", rows });
  const isOver = async () => (await api.json("GET", `deletion_jobs/${job.id}`)).job.finished_at;
  while (!(await isOver())) await wait(500);
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "Receipts");
  const card = page.getByRole("region", { name: "Receipts of a job" });
  await card.getByLabel("Job").fill(job.id);
  await card.getByRole("button", { name: "Get the receipts" }).click();
  // The jobs of the fake API write no entries of single deletions.
  const found = "spa_ugly" in ready.spaces ? /^This job has no receipts/ : /^2 receipts of this job/;
  await card.getByText(found).waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
});

browserTest("a receipt of which one byte was changed does not hold", async (t) => {
  const { receipt, key } = await receiptOf(t);
  const page = await signedOut(t.tab);
  await page.getByLabel("Verifier key").fill(key);
  const lines = receipt.split("\n");
  /** A line with its first letter of base64 replaced by another one. */
  const changed = (place, from) => {
    const line = lines[place];
    const other = line[from] === "A" ? "B" : "A";
    return lines.with(place, line.slice(0, from) + other + line.slice(from + 1)).join("\n");
  };
  const end = lines.indexOf("");
  for (const [what, text] of [
    ["the entry", changed(1, "extra ".length + 40)],
    ["the proof", changed(3, 0)],
    ["the size", lines.with(end + 2, String(Number(lines[end + 2]) + 1)).join("\n")],
    ["the signature", changed(lines.length - 2, lines.at(-2).length - 30)],
  ]) {
    await choose(page, text);
    await check(page);
    const alert = page.getByRole("alert").getByText("The receipt does not hold");
    await alert.waitFor().catch((error) => assert.fail(`${what}: ${error.message}`));
    await choose(page, receipt);
    await check(page);
    await page.getByText("The receipt holds").waitFor();
  }
});

browserTest("a receipt is not believed with another key, or without any", async (t) => {
  const { receipt, key } = await receiptOf(t);
  const page = await signedOut(t.tab);
  await choose(page, receipt);
  await check(page);
  await page.getByText("Enter the verifier key of the log, or pin one.").waitFor();
  await page.getByLabel("Verifier key").fill(otherKey(key));
  await check(page);
  await page.getByRole("alert").getByText("The receipt does not hold").waitFor();
  await page.getByLabel("Verifier key").fill(key);
  await check(page);
  await page.getByText("The receipt holds").waitFor();
});

browserTest("who is signed in finds the API's key to compare, and it is pinned only after that", async (t) => {
  const { receipt, key } = await receiptOf(t);
  const page = await t.tab.signIn("auditor");
  await goTo(page, "Receipts");
  await page.getByText("Compare with the key that the API tells").click();
  await page.getByText(key).waitFor();
  const pin = page.getByRole("button", { name: "Pin this key" });
  assert.equal(await pin.getAttribute("aria-disabled"), "true");
  await page.getByLabel(/I have compared this key/).check();
  await pin.click();
  await page.getByRole("list", { name: "Pinned keys" }).waitFor();
  await choose(page, receipt);
  await page.getByText("The receipt holds").waitFor();
});
