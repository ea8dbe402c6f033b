import assert from "node:assert/strict";
import { apiOf } from "./api.mjs";
import { APPROVAL_SPACE, browserTest, goTo, JOB_MS } from "./harness.mjs";

const ROWS = [1, 2, 3].map((number) => `email:approval.private${number}@example.com`);
const GROUP = "needs approval";

/** Makes a job that is too large for one person, as one person. */
async function makeJob({ tab, ready }, group, rows) {
  for (const row of rows) tab.plant(row.replace("email:", ""));
  const api = apiOf(ready, tab.token("workspace_owner", APPROVAL_SPACE), APPROVAL_SPACE);
  const { job } = await api.json("POST", "deletion_jobs", { action: "delete_profile", group, rows });
  assert.equal(job.state, "awaiting_approval");
  return job;
}

/** The job's screen, as somebody finds it: by its group. */
async function openJob(page, group) {
  await goTo(page, "Jobs");
  await page.getByLabel("Group").fill(group);
  await page.getByRole("button", { name: "Show group" }).click();
  await page.getByRole("table").getByRole("link").first().click();
  await page.getByRole("heading", { level: 1, name: "Delete profiles" }).waitFor();
}

browserTest("a job that is too large for one person is approved by a second one", async (t) => {
  const { tab } = t;
  const job = await makeJob(t, GROUP, ROWS);
  const maker = await tab.signIn("workspace_owner", { space: APPROVAL_SPACE });
  await openJob(maker, GROUP);
  const own = maker.getByRole("button", { name: "Approve" });
  await own.waitFor();
  assert.equal(await own.getAttribute("aria-disabled"), "true", "whoever made the job can approve it");
  await maker.getByText("Your token made this job: somebody with another token must approve it.").waitFor();

  const second = await tab.signIn("privacy_admin", { space: APPROVAL_SPACE });
  await openJob(second, GROUP);
  assert.ok(second.url().endsWith(`#/jobs/${job.id}`));
  await second.getByRole("button", { name: "Approve" }).click();
  const dialog = second.getByRole("dialog", { name: /^Approve/ });
  const confirm = dialog.getByRole("button", { name: "Confirm Delete" });
  assert.equal(await confirm.getAttribute("aria-disabled"), "true", "it can be approved without consent");
  await dialog.getByRole("checkbox").check();
  await confirm.click();
  await dialog.waitFor({ state: "detached" });
  await second.getByRole("main").getByText("The job was approved.").waitFor();
  await second
    .getByRole("main")
    .getByText("Everything that its rows name is deleted, or was not there.")
    .waitFor({ timeout: JOB_MS });
  // The first person's page follows by itself.
  await maker
    .getByRole("main")
    .getByText("Everything that its rows name is deleted, or was not there.")
    .waitFor({ timeout: JOB_MS });
});

browserTest("a job that is rejected deletes nothing", async (t) => {
  const { tab, ready } = t;
  const rows = ["email:approval.private4@example.com", "user_id:nobody_1", "user_id:nobody_2"];
  await makeJob(t, "is rejected", rows);
  const second = await tab.signIn("privacy_admin", { space: APPROVAL_SPACE });
  await openJob(second, "is rejected");
  await second.getByRole("button", { name: "Reject" }).click();
  const dialog = second.getByRole("dialog", { name: /^Reject/ });
  await dialog.getByText("It deletes nothing.").waitFor();
  await dialog.getByRole("button", { name: "Reject" }).click();
  await dialog.waitFor({ state: "detached" });
  await second
    .getByRole("main")
    .getByText(/^It was cancelled before it/)
    .waitFor({ timeout: JOB_MS });
  const api = apiOf(ready, tab.token("privacy_admin", APPROVAL_SPACE), APPROVAL_SPACE);
  const { data } = await api.json("GET", "collections/users/profiles/user_id:approval_004/external_ids");
  assert.equal(data.length, 2);
});
