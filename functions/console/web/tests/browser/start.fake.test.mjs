import assert from "node:assert/strict";
import { browserTest, goTo } from "./harness.mjs";
import {
  confirm,
  DELETIONS,
  done,
  drop,
  holdTimeouts,
  makeOpenJob,
  opened,
  openJob,
  openList,
  ownApi,
  recorded,
  SPACE,
} from "./uncertain.mjs";

/** The numbers of rows with which a job was to be started. */
const expectedRows = ({ sent }) => sent.map(({ body }) => JSON.parse(body).expected_rows);

/** Asserts that a start was rejected, and that the consent is for other rows now. */
async function isRejected(api, id, dialog, consent) {
  await dialog.getByText("The job has 2 rows, which is not what was expected.").waitFor();
  await consent.waitFor();
  assert.ok(!(await consent.isChecked()), "the box is still ticked");
  assert.equal((await api.json("GET", `deletion_jobs/${id}`)).job.state, "open", "it was started");
}

browserTest("an open job with other rows than somebody has agreed to is not started", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  const record = await recorded(page, DELETIONS.start.path);
  const { id } = await makeOpenJob(api, "changed");
  await openJob(page, id);
  await page.getByRole("button", { name: "Start" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("I want up to 1 profile to be deleted for good.").check();
  await api.json("POST", `deletion_jobs/${id}/rows`, { page: 1, rows: ["user_id:nobody_more"] });
  await dialog.getByRole("button", { name: "Confirm Delete" }).click();
  const consent = dialog.getByLabel("I want up to 2 profiles to be deleted for good.");
  await isRejected(api, id, dialog, consent);
  await confirm(dialog);
  await done(page);
  assert.deepEqual(expectedRows(record), [1, 2]);
  assert.notEqual(record.sent[1].key, record.sent[0].key);
});

browserTest("an open job that took rows after its start was lost is not started when it is tried again", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  const record = await recorded(page, DELETIONS.start.path);
  const { id } = await makeOpenJob(api, "changed_lost");
  await openJob(page, id);
  await page.getByRole("button", { name: "Start" }).click();
  const dialog = page.getByRole("dialog");
  record.answer = drop;
  await confirm(dialog);
  await dialog.getByText(DELETIONS.start.uncertain).waitFor();
  await api.json("POST", `deletion_jobs/${id}/rows`, { page: 1, rows: ["user_id:nobody_more"] });
  record.answer = (route) => route.fallback();
  await dialog.getByRole("button", { name: "Try again" }).click();
  await isRejected(api, id, dialog, dialog.getByLabel("I want up to 2 profiles to be deleted for good."));
  assert.deepEqual(expectedRows(record), [1, 1]);
  assert.deepEqual(record.sent[1], record.sent[0], "it was another request");
});

browserTest("a list of two pages is lost, and tried again on the job's own screen", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  await openList(page, 10_001);
  const record = await recorded(page, DELETIONS.start.path);
  let release = () => {};
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  record.answer = async (route) => {
    await isReleased;
    return drop(route);
  };
  const timeouts = await holdTimeouts(page);
  await page.getByRole("button", { name: "Send the rows" }).click();
  await page.getByLabel("I want up to 10,001 identifiers to be deleted for good.").check();
  // Several pages share the line.
  assert.ok((await timeouts.longest()) > 150_000, "a page has no time on a slow line");
  await page.getByRole("button", { name: "Copy as curl" }).waitFor();
  await page.getByRole("button", { name: "Confirm Delete" }).click();
  await page.locator("[aria-disabled=true]", { hasText: "Cancel this job" }).waitFor();
  release();
  await page.getByText(DELETIONS.start.uncertain).waitFor();
  const id = record.sent[0].url.split("/").at(-2);
  // All that were sent, also the row that cannot be read.
  assert.deepEqual(expectedRows(record), [10_002]);
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Audit log" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await openJob(page, id);
  await page.getByRole("button", { name: "Start" }).click();
  record.answer = (route) => route.fallback();
  await page.getByRole("dialog").getByRole("button", { name: "Try again" }).click();
  await done(page);
  await api.json("POST", `deletion_jobs/${id}/cancel`);
  assert.equal(record.sent.length, 2);
  assert.deepEqual(record.sent[1], record.sent[0], "it was another request");
});

browserTest("a long page is sent before it is confirmed, and not started with rows of somebody else", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  await openList(page, 9_000);
  await page.getByText(/^The rows are sent once more, on 1 page, into an open job: you confirm when/).waitFor();
  const record = await recorded(page, DELETIONS.start.path);
  await page.getByRole("button", { name: "Send the rows" }).click();
  await page.getByText("1 of 1 page").waitFor();
  const consent = page.getByLabel("I want up to 9,000 identifiers to be deleted for good.");
  await consent.check();
  const id = await page
    .getByRole("group", { name: "The job" })
    .getByText(/^job_[0-9a-f]{32}$/)
    .textContent();
  await api.json("POST", `deletion_jobs/${id}/rows`, { page: 2, rows: ["shoe"] });
  await page.getByRole("button", { name: "Confirm Delete" }).click();
  await page.getByText("The job has 9,002 rows, which is not what was expected.").waitFor();
  assert.deepEqual(expectedRows(record), [9_001]);
  assert.equal((await api.json("GET", `deletion_jobs/${id}`)).job.state, "open", "it was started");
});

browserTest("the rows of a list cannot be changed while it is not certain whether its plan is executed", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  await goTo(page, "Jobs");
  await page.getByRole("button", { name: "New job" }).click();
  const buffer = Buffer.from("user_id:changed_1\n");
  await page.getByLabel(/Choose a file/).setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Make the dry run" }).click();
  const change = page.getByRole("button", { name: "Change the rows" });
  await change.waitFor();
  const record = await recorded(page, DELETIONS.plan.path);
  record.answer = drop;
  await confirm(page);
  await page.getByText(DELETIONS.plan.uncertain).waitFor();
  assert.equal(await change.count(), 0, "the rows can be changed");
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Audit log" }).click();
  const leave = page.getByRole("dialog", { name: "Leave this page?" });
  await leave.getByText("The deletion may have been confirmed: look in Jobs.").waitFor();
  await leave.getByRole("button", { name: "Stay" }).click();
  record.answer = (route) => route.fallback();
  await page.getByRole("button", { name: "Try again" }).click();
  await done(page);
  const id = page.url().split("/").at(-1);
  assert.equal((await api.json("POST", `deletion_jobs/${id}/cancel`)).job.counts.deleted ?? 0, 0);
  assert.deepEqual(record.sent[1], record.sent[0], "it was another request");
});

browserTest("a question that fits no more is gone for good", async (t) => {
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  const { id } = await makeOpenJob(ownApi(t), "question");
  let state = "open";
  await page.route(new RegExp(`/deletion_jobs/${id}$`), async (route) => {
    const { "if-none-match": _, ...headers } = route.request().headers();
    const response = await route.fetch({ headers });
    const { job } = await response.json();
    return route.fulfill({ response, json: { job: { ...job, state } } });
  });
  const become = async (next) => {
    state = next;
    await page.waitForTimeout(1_100);
    await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
  };
  await openJob(page, id);
  await page.getByRole("button", { name: "Start" }).click();
  const dialog = page.getByRole("dialog", { name: "Start this job?" });
  await dialog.waitFor();
  await become("scheduled");
  await dialog.waitFor({ state: "detached" });
  await become("running");
  await page.getByRole("button", { name: "Pause" }).waitFor();
  assert.equal(await dialog.count(), 0, "it is asked again");
});

for (const [kind, deletion] of Object.entries(DELETIONS).filter(([, { hasTime }]) => hasTime)) {
  browserTest(`a request is given up when there would be no time to undo it if it arrived: ${kind}`, async (t) => {
    const page = await t.tab.signIn("workspace_owner", { space: deletion.space ?? SPACE });
    const record = await recorded(page, deletion.path);
    await opened(t, page, deletion, "slow");
    const timeouts = await holdTimeouts(page);
    record.answer = () => {};
    await confirm(page.getByRole("dialog"));
    await timeouts.end(40_000, 45_000);
    await page.getByText(deletion.uncertain).waitFor();
    assert.equal(record.sent.length, 1);
  });
}
