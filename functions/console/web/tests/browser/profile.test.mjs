import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { apiOf } from "./api.mjs";
import { browserTest, goTo, JOB_MS, lookUp } from "./harness.mjs";

const ADA = ["ada.private+1@example.com", "ada.work@example.com", "profile_001", "anon/001?x#y"];
const LIMITED = { error: { code: "rate_limited", message: "Too many requests." } };
const GRACE = ["grace.private@example.com", "profile_002"];

/** The row of an identifier's type in the list of identifiers. The value of the row is not shown. */
const rows = (page, type) =>
  page
    .getByRole("region", { name: "All identifiers" })
    .getByRole("row")
    .filter({ hasText: new RegExp(`^${type}`) });

/** The bytes of what a button downloads. */
async function downloaded(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

browserTest("a person is found by an email address, and one identifier is deleted", async ({ tab }) => {
  for (const value of ADA) tab.plant(value);
  const page = await tab.signIn("workspace_owner");
  await lookUp(page, "email", ADA[0]);
  await page.getByRole("heading", { name: "Identifiers" }).waitFor();
  assert.match(page.url(), /#\/profiles\/use_[0-9a-f]{32}$/, "the address has the own id");
  await rows(page, "email").nth(1).waitFor();

  // Values are hidden until somebody asks for one.
  const list = page.getByRole("region", { name: "All identifiers" });
  assert.equal(await list.getByText(ADA[1]).count(), 0, "a value is shown unasked");
  for (const row of await rows(page, "email").all()) await row.getByRole("button", { name: /^Show email/ }).click();
  await list.getByText(ADA[1]).waitFor();
  await page.getByText("member").first().waitFor();

  const target = rows(page, "email").filter({ hasText: ADA[0] });
  await target.getByRole("button", { name: /^Delete email/ }).click();
  const dialog = page.getByRole("dialog");
  const confirm = dialog.getByRole("button", { name: "Confirm Delete" });
  await confirm.waitFor();
  assert.equal(await confirm.getAttribute("aria-disabled"), "true", "it can be confirmed without consent");
  // The trait `email` has the same value, and stays.
  await dialog.getByText(/trait/i).first().waitFor();
  await dialog.getByRole("checkbox").check();
  await confirm.click();
  await page.getByRole("dialog", { name: "The identifier is deleted" }).waitFor();
  await dialog.getByText("A request of its own").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await rows(page, "email").nth(1).waitFor({ state: "detached" });
  assert.equal(await rows(page, "email").count(), 1);
});

browserTest("the record of a deletion tells who and why, and its receipt can be had", async ({ tab }) => {
  tab.plant(ADA[0]);
  const page = await tab.signIn("workspace_owner");
  // A look-up that finds nobody says so, and that the identifier was deleted.
  await lookUp(page, "email", ADA[0]);
  await page.getByRole("heading", { name: "This identifier was deleted" }).waitFor();

  await goTo(page, "Deletion records");
  await page.getByLabel("Identifier type").selectOption("email");
  await page.getByLabel("Value", { exact: true }).fill(ADA[0]);
  await page.getByRole("button", { name: "Find record" }).click();
  const record = page.getByRole("region", { name: "This identifier was deleted" });
  await record.getByText("A request of its own").waitFor();
  await record.getByText(/^tok_/).waitFor();
  await record.getByRole("button", { name: "Get receipt" }).click();
  await record.getByText("The receipt is ready").waitFor({ timeout: 90_000 });
  const { text } = await downloaded(page, record.getByRole("button", { name: "Download receipt" }));
  assert.ok(text.startsWith("c2sp.org/tlog-proof@v1\n"));
  await record.getByRole("button", { name: "Check it now" }).click();
  await page.getByRole("heading", { level: 1, name: "Receipts" }).waitFor();
});

/** Asks for the deletion of the profile that is shown. Returns the dialog with its plan. */
async function askForDeletion(page) {
  await page.getByRole("button", { name: "Delete profile" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("first_name").waitFor();
  return dialog;
}

/** Consents to the deletion, and waits for the end of its job. */
async function confirmDeletion(page, dialog) {
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Confirm Delete" }).click();
  await page.getByRole("heading", { level: 1, name: "Delete profiles" }).waitFor();
  assert.match(page.url(), /#\/jobs\/job_[0-9a-f]{32}$/);
  await page.getByRole("button", { name: "Get receipt" }).waitFor({ timeout: JOB_MS });
}

browserTest("a profile that has changed since it was shown is left alone", async ({ tab, ready }) => {
  for (const value of GRACE) tab.plant(value);
  const page = await tab.signIn("privacy_admin");
  const sent = [];
  page.on("request", (request) => {
    if (request.method() !== "GET" && !request.url().endsWith("/plan")) sent.push(request);
  });
  await lookUp(page, "user_id", GRACE[1]);
  const dialog = await askForDeletion(page);
  assert.equal(sent.length, 1, "more than the dry run was sent");
  assert.match(sent[0].postData(), /^{"action":"delete_profile","rows":\["use_[0-9a-f]{32}"\],"dry_run":true}$/);
  const owner = apiOf(ready, tab.token("workspace_owner"));
  await owner.json("POST", "segments/seg_readers/members/remove", { rows: [`user_id:${GRACE[1]}`] });
  await owner.json("POST", "segments/seg_readers/members", { rows: [`user_id:${GRACE[1]}`] });
  await confirmDeletion(page, dialog);
  const { job } = await owner.json("GET", `deletion_jobs/${page.url().split("/").at(-1)}`);
  assert.deepEqual([job.counts.changed, job.counts.deleted], [1, 0]);
  assert.equal(sent.length, 2);
  assert.match(sent[1].url(), /\/execute$/);
});

browserTest("a profile is deleted with all that it has, after its plan was seen", async ({ tab }) => {
  for (const value of GRACE) tab.plant(value);
  const page = await tab.signIn("privacy_admin");
  await lookUp(page, "user_id", GRACE[1]);
  const dialog = await askForDeletion(page);
  await dialog.getByText("seg_readers").waitFor();
  assert.equal(await dialog.getByText(GRACE[0]).count(), 0, "the plan shows a value unasked");
  await confirmDeletion(page, dialog);
  await lookUp(page, "email", GRACE[0]);
  await page.getByRole("heading", { name: "This identifier was deleted" }).waitFor();
});

browserTest("a lost response is no second deletion: the same key is sent again", async ({ tab }) => {
  for (const value of ["joan.private@example.com", "profile_003"]) tab.plant(value);
  const page = await tab.signIn("identity_admin");
  await lookUp(page, "user_id", "profile_003");
  await rows(page, "email")
    .getByRole("button", { name: /^Delete email/ })
    .click();
  const dialog = page.getByRole("dialog");
  const keys = [];
  await page.route("**/external_ids/delete", async (route) => {
    keys.push(await route.request().headerValue("idempotency-key"));
    if (keys.length > 2) return route.continue();
    if (keys.length === 2) return route.fulfill({ status: 429, json: LIMITED });
    // The service has carried it out, and the answer is lost on its way.
    await route.fetch();
    return route.abort("connectionreset");
  });
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Confirm Delete" }).click();
  const uncertain = dialog.getByText("It is not certain whether it was deleted");
  await uncertain.waitFor();
  await dialog.getByRole("button", { name: "Try again" }).click();
  // A request that was rejected tells nothing of the one before it.
  await dialog.getByText("rate_limited").first().waitFor();
  await uncertain.waitFor();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("dialog", { name: "The identifier is deleted" }).waitFor();
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

browserTest("who was shown before is hidden while another person is looked up", async ({ tab }) => {
  tab.plant("profile_003");
  const page = await tab.signIn("workspace_owner");
  await lookUp(page, "user_id", "profile_001");
  const button = page.getByRole("button", { name: "Delete profile" });
  await button.waitFor();
  const before = page.url();
  let answer = () => {};
  const isHeld = new Promise((resolve) => {
    answer = resolve;
  });
  await page.route("**/metadata", async (route) => {
    await isHeld;
    await route.continue();
  });
  await page.getByLabel("Identifier type").selectOption("user_id");
  await page.getByLabel("Value", { exact: true }).fill("profile_003");
  await page.getByRole("button", { name: "Look up" }).click();
  await button.waitFor({ state: "detached" });
  answer();
  await button.waitFor();
  assert.notEqual(page.url(), before);
});

browserTest("a profile that was deleted after it was shown is not there", async ({ tab, ready }) => {
  tab.plant("profile_003");
  const page = await tab.signIn("privacy_admin");
  await lookUp(page, "user_id", "profile_003");
  const button = page.getByRole("button", { name: "Delete profile" });
  await button.waitFor();
  const owner = apiOf(ready, tab.token("workspace_owner"));
  await owner.json("DELETE", "collections/users/profiles/user_id:profile_003");
  await button.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The profile is not there any more").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Confirm Delete" }).count(), 0);
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByText("There is no profile with this id.").waitFor();
});
