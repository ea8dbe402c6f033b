import assert from "node:assert/strict";
import { apiOf } from "./api.mjs";
import { browserTest, goTo, JOB_MS } from "./harness.mjs";

const addresses = (name, count) =>
  Array.from({ length: count }, (_, place) => `${name}.private${place + 1}@example.com`);
const BULK = addresses("bulk", 4);
const LIMITED = addresses("limit", 5);

/** Rows of a job that has much to do, and finds nobody. */
const MANY = 60_000;

const csv = (...lines) => ({
  name: "people.csv",
  mimeType: "text/csv",
  buffer: Buffer.from(`${lines.join("\r\n")}\r\n`),
});

async function newJob(page, file) {
  await goTo(page, "Jobs");
  await page.getByRole("button", { name: "New job" }).click();
  await page.getByRole("heading", { level: 1, name: "New job" }).waitFor();
  if (file) await page.getByLabel(/Choose a file/).setInputFiles(file);
}

async function dryRun(page) {
  await page.getByRole("button", { name: "Make the dry run" }).click();
  await page.getByRole("region", { name: "Goes" }).waitFor();
}

/** Consents and confirms. Returns when the job's screen is there, from which it can be undone. */
async function confirm(page, what) {
  const button = page.getByRole("button", { name: "Confirm Delete" });
  assert.equal(await button.getAttribute("aria-disabled"), "true", "it can be confirmed without consent");
  await page.getByLabel(`I want ${what} to be deleted for good.`).check();
  await button.click();
  await page.getByRole("button", { name: "Undo" }).waitFor();
  assert.match(page.url(), /#\/jobs\/job_[0-9a-f]{32}$/);
}

const main = (page) => page.getByRole("main");
const state = (page, name) => main(page).getByRole("region", { name: "Progress" }).getByText(name, { exact: true });

browserTest("a file is read, tried and confirmed, and then undone", async ({ tab, ready }) => {
  for (const value of BULK) tab.plant(value);
  const page = await tab.signIn("privacy_admin");
  const rows = [...BULK.slice(0, 3), BULK[3].toUpperCase(), "nobody@example.com"].map((value) => `email,${value}`);
  await newJob(page, csv("key,value", ...rows, "shoe,42", BULK[0]));
  await page.getByText("7 rows read, 2 invalid.").waitFor();
  await page.getByRole("heading", { name: "2 invalid rows" }).waitFor();
  assert.equal(await main(page).getByText(BULK[0]).count(), 0, "the preview shows a value unasked");
  await page.getByRole("button", { name: "Show values" }).click();
  await main(page).getByText(BULK[0]).first().waitFor();

  await dryRun(page);
  await page.getByRole("region", { name: "Goes" }).getByText("profiles").waitFor();
  await page.getByLabel("I want 3 profiles to be deleted for good.").waitFor();
  // A row in upper case would be found in lower case: the offer is a copy, which is tried again.
  await page.getByText("1 row would be found in lower or in upper case.").waitFor();
  await page.getByRole("button", { name: "Make a copy with this row in lower case" }).click();
  await page.getByText("This is a copy of the rows").waitFor();
  await confirm(page, "4 profiles");

  await page.getByRole("button", { name: "Undo" }).click();
  await main(page)
    .getByText(/^It was cancelled before it/)
    .waitFor({ timeout: JOB_MS });
  const api = apiOf(ready, tab.token("privacy_admin"));
  for (const value of BULK) {
    await api.json("GET", `collections/users/profiles/email:${encodeURIComponent(value)}/metadata`);
  }
});

browserTest("a job pauses at its limit, is resumed, and its outcomes are told", async ({ tab, ready }) => {
  for (const value of LIMITED) tab.plant(value);
  const page = await tab.signIn("privacy_admin");
  await newJob(page);
  await page.getByText("Paste rows", { exact: true }).click();
  await page.getByLabel("Rows", { exact: true }).fill(LIMITED.map((value) => `email:${value}`).join("\n"));
  await page.getByRole("button", { name: "Use these rows" }).click();
  await dryRun(page);
  await page.getByLabel("Max deletions (optional)").fill("3");
  await confirm(page, "5 profiles");
  await state(page, "Paused").waitFor({ timeout: JOB_MS });
  await main(page).getByText("The job was paused, because it has reached its max_deletions.").first().waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await main(page)
    .getByText("Everything that its rows name is deleted, or was not there.")
    .waitFor({ timeout: JOB_MS });

  const outcomes = page.getByRole("region", { name: "Outcomes, row by row" });
  await outcomes.getByRole("row").nth(5).waitFor();
  assert.equal(await outcomes.getByRole("row").filter({ hasText: "It has been deleted." }).count(), 5);
  await page.getByLabel("Outcome", { exact: true }).selectOption("failed");
  await page.getByText("No row has this outcome.").waitFor();
  const planned = page.getByRole("region", { name: "Planned and actual numbers" });
  await planned
    .getByRole("row")
    .filter({ hasText: /deleted/i })
    .first()
    .waitFor();
  const api = apiOf(ready, tab.token("privacy_admin"));
  const { deletion } = await api.json("GET", `deletions/email:${encodeURIComponent(LIMITED[0])}`);
  assert.ok(page.url().endsWith(`/${deletion.job_id}`), "the record names the job");
});

browserTest("a running job is paused, resumed and cancelled by hand", async ({ tab, ready }) => {
  const api = apiOf(ready, tab.token("privacy_admin"));
  const rows = Array.from({ length: MANY }, (_, place) => `user_id:nobody_${place}`);
  const { job } = await api.json("POST", "deletion_jobs", { action: "delete_profile", group: "by hand", rows });
  const page = await tab.signIn("privacy_admin");
  await goTo(page, "Jobs");
  await page.locator(`td a[href$="${job.id}"], th a[href$="${job.id}"]`).click();
  assert.ok(page.url().endsWith(`#/jobs/${job.id}`));
  await page.getByRole("button", { name: "Pause" }).click();
  await state(page, "Paused").waitFor({ timeout: JOB_MS });
  await main(page).getByText("The job was paused.").first().waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await state(page, "Running").waitFor({ timeout: JOB_MS });
  await page.getByRole("button", { name: "Cancel job" }).click();
  const dialog = page.getByRole("dialog", { name: /^Cancel/ });
  await dialog.getByText("It cannot be resumed").waitFor();
  await dialog.getByRole("button", { name: "Cancel job" }).click();
  await state(page, "Cancelled").waitFor({ timeout: JOB_MS });
  await main(page).getByText("not carried out").first().waitFor();
});

browserTest("identifiers are deleted by their rows, sent once more after the dry run", async ({ tab }) => {
  for (const value of BULK) tab.plant(value);
  const page = await tab.signIn("identity_admin");
  await newJob(page, csv("user_id,type,id", `bulk_001,email,${BULK[0]}`, "bulk_002,user_id,bulk_002"));
  await page.getByLabel(/One identifier/).check();
  await page.getByText("2 rows read, 0 invalid.").waitFor();
  await dryRun(page);
  await page.getByText("A profile that has a user_id keeps one.").first().waitFor();
  await confirm(page, "up to 2 identifiers");
  await page.getByRole("button", { name: "Undo" }).click();
  await main(page)
    .getByText(/^It was cancelled before it/)
    .waitFor({ timeout: JOB_MS });
});

browserTest("who leaves the page in the middle is asked, and rows are not lost unasked", async ({ tab }) => {
  for (const value of BULK) tab.plant(value);
  const page = await tab.signIn("privacy_admin");
  await newJob(page, csv(...BULK.map((value) => `email:${value}`)));
  await page.getByText("4 rows read, 0 invalid.").waitFor();
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Audit log" }).click();
  const dialog = page.getByRole("dialog", { name: "Leave this page?" });
  await dialog.getByRole("button", { name: "Stay" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Make the dry run" }).waitFor();
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Audit log" }).click();
  await dialog.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("heading", { level: 1, name: "Audit log" }).waitFor();
});
