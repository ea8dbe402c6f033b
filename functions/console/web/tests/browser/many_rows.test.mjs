import assert from "node:assert/strict";
import { apiOf } from "./api.mjs";
import { axe } from "./axe.mjs";
import { browserTest, goTo, JOB_MS } from "./harness.mjs";
import { inPage } from "./watch.mjs";

/** An identifier that no other test deletes. */
const USER = "bulk_002";
const EMAIL = "bulk.private2@example.com";
const REAL_ROW = `${USER},email,${EMAIL}`;

/** One row more than a page holds. All others find nobody. */
const MANY_ROWS = 10_001;
/** A row that is invalid and nearly as long as one may be. So many of them are two pages, and take no time. */
const LONG_VALUE = "x".repeat(60_000);
const LONG_ROWS = 75;

/** How far ahead a confirmed job starts, and how much of that a slow machine may have taken, in milliseconds. */
const UNDO_MS = 60_000;
const SLOW_MS = 10_000;

const tableOf = (count, row) =>
  ["user_id,type,id", REAL_ROW, ...Array.from({ length: count - 1 }, (_, place) => row(place))].join("\n");
const manyRows = () => tableOf(MANY_ROWS, (place) => `nobody_${place},email,nobody${place}@example.com`);
const longRows = () => tableOf(LONG_ROWS, (place) => `nobody_${place},email,${LONG_VALUE}`);

const main = (page) => page.getByRole("main");
const button = (page, name) => page.getByRole("button", { name, exact: true });
const theJob = (page) => page.getByRole("group", { name: "The job" });
const state = (page, name) => main(page).getByRole("region", { name: "Progress" }).getByText(name, { exact: true });

/** Makes a dry run of rows of identifiers, under a group by which the jobs are known. */
async function dryRun({ tab }, group, rows) {
  for (const value of [USER, EMAIL]) tab.plant(value);
  const page = await tab.signIn("identity_admin");
  await goTo(page, "Jobs");
  await button(page, "New job").click();
  await page.getByLabel(/One identifier/).check();
  await page.getByLabel("Group label (optional)").fill(group);
  const file = { name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(rows) };
  await page.getByLabel(/Choose a file/).setInputFiles(file);
  await button(page, "Make the dry run").click();
  await page.getByRole("region", { name: "Goes" }).getByText("identifier").waitFor({ timeout: JOB_MS });
  await page.getByText(/rows are sent once more, on 2 pages, into an open job/).waitFor();
  return page;
}

/** Sends the rows. Returns the id of the job that has them when they are all there. */
async function sendRows(page) {
  await button(page, "Send the rows").click();
  await button(page, "Confirm Delete").waitFor({ timeout: JOB_MS });
  await main(page).getByText("2 of 2 pages").waitFor();
  return jobOf(page);
}

const jobOf = (page) =>
  theJob(page)
    .getByText(/^job_[0-9a-f]{32}$/)
    .textContent();

/** Consents. Returns the button that confirms. */
async function consent(scope, what) {
  const confirm = button(scope, "Confirm Delete");
  assert.equal(await confirm.getAttribute("aria-disabled"), "true", "it can be confirmed without consent");
  await scope.getByLabel(new RegExp(`I want ${what} to be deleted for good`)).check();
  return confirm;
}

/** Undoes the job whose screen has been opened by its start, and asserts that nothing was deleted. */
async function undo(page, { tab, ready }, job) {
  await state(page, "Scheduled").waitFor();
  assert.ok(page.url().endsWith(`#/jobs/${job}`));
  await button(page, "Undo").click();
  await main(page)
    .getByText(/^It was cancelled before it/)
    .waitFor({ timeout: JOB_MS });
  const api = apiOf(ready, tab.token("identity_admin"));
  const undone = (await api.json("GET", `deletion_jobs/${job}`)).job;
  assert.deepEqual([undone.state, undone.counts.deleted ?? 0], ["cancelled", 0]);
  await assertThere(api);
}

async function assertThere(api) {
  const { data } = await api.json("GET", `collections/users/profiles/user_id:${USER}/external_ids`);
  assert.ok(
    data.some(({ type, id }) => type === "email" && id === EMAIL),
    "the identifier is gone",
  );
}

/** The jobs of a group that delete. */
async function deletionsOf(group, { tab, ready }) {
  const api = apiOf(ready, tab.token("identity_admin"));
  const { data } = await api.json("GET", "deletion_jobs?created_by=me&limit=100");
  return data.filter((job) => job.group === group && !job.dry_run);
}

/** Asserts that the screen is usable as it is now. */
async function look(page, where) {
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await axe(page, `${where}, ${colorScheme}`);
  }
  await page.setViewportSize({ width: 320, height: 900 });
  const width = await inPage(page, "document.scrollingElement.scrollWidth");
  assert.ok(width <= 320, `${where}: the page scrolls sideways, it is ${width} wide at 320`);
  await page.setViewportSize({ width: 1_280, height: 900 });
}

/** Lets only the first page of rows through. Returns what lets the others. */
async function holdRows(page) {
  let letGo = () => {};
  const isFree = new Promise((resolve) => {
    letGo = resolve;
  });
  let pages = 0;
  await page.route("**/rows", async (route) => {
    pages += 1;
    if (pages > 1) await isFree;
    await route.continue();
  });
  return letGo;
}

/** Notes each start of a job. */
function startsOf(page) {
  const starts = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/start")) starts.push(request);
  });
  return starts;
}

const startAt = (request) => Date.parse(request.postDataJSON().start_at);

browserTest("rows of two pages are all there before consent is asked for, and start with one request", async (t) => {
  const page = await dryRun(t, "many: sent", manyRows());
  const letGo = await holdRows(page);
  const starts = startsOf(page);
  await button(page, "Send the rows").click();
  await main(page).getByText("1 of 2 pages").waitFor({ timeout: JOB_MS });
  for (const asked of [button(page, "Confirm Delete"), main(page).getByRole("checkbox")]) {
    assert.equal(await asked.count(), 0, "consent is asked for before all rows are there");
  }
  await look(page, "Sending the rows");
  letGo();
  const confirm = await consent(theJob(page), "up to 10,001 identifiers");
  await look(page, "Consent to rows that are there");
  const job = await jobOf(page);
  assert.equal(starts.length, 0, "the job is started without a confirmation");
  const before = Date.now();
  await confirm.dblclick();
  await undo(page, t, job);
  assert.deepEqual(
    starts.map((request) => new URL(request.url()).pathname.split("/").slice(-2)),
    [[job, "start"]],
  );
  const ahead = startAt(starts[0]) - before;
  assert.ok(ahead > UNDO_MS - SLOW_MS && ahead < UNDO_MS + SLOW_MS, `the job starts ${ahead} ms ahead`);
  assert.equal((await deletionsOf("many: sent", t)).length, 1);
});

browserTest("a start whose response was lost is sent again as it was, and is one job", async (t) => {
  const page = await dryRun(t, "many: lost", longRows());
  const job = await sendRows(page);

  // It is lost on its way, then its response is, and then neither.
  const sent = [];
  const fates = [async () => {}, (route) => route.fetch()];
  await page.route("**/start", async (route) => {
    const request = route.request();
    sent.push([request.url(), request.headers()["idempotency-key"], request.postData()].join(" "));
    const fate = fates.shift();
    if (fate === undefined) return route.continue();
    await fate(route);
    return route.abort();
  });
  await (await consent(theJob(page), "up to 1 identifier")).click();
  const again = button(page, "Try again");
  const isUncertain = page.getByText("It is not certain whether the deletion was confirmed");
  await isUncertain.waitFor();
  assert.equal(await main(page).getByRole("checkbox").count(), 0, "it can be confirmed anew while it is not certain");
  assert.equal(await button(page, "Change the rows").count(), 0, "the rows can be changed while it is not certain");
  await look(page, "Lost response");
  const isLost = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/start"));
  await again.click();
  await isLost;
  await isUncertain.waitFor();
  await again.click();
  await undo(page, t, job);
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent).size, 1, "it was another request");
  assert.deepEqual(
    (await deletionsOf("many: lost", t)).map(({ id }) => id),
    [job],
  );
});

browserTest("who leaves when the rows are there finds an open job, and starts it on its own screen", async (t) => {
  const page = await dryRun(t, "many: left", longRows());
  // A start that is rejected is told, and no more of it when its job is given up.
  const cancelled = await sendRows(page);
  const error = { code: "invalid_state", message: "The job is in another state." };
  await page.route("**/start", (route) => route.fulfill({ status: 409, json: { error } }));
  await (await consent(theJob(page), "up to 1 identifier")).click();
  await main(page).getByText(error.message).waitFor();
  await page.unroute("**/start");
  await button(page, "Cancel this job").click();
  await button(page, "Send the rows").waitFor();
  assert.equal(await main(page).getByText(error.message).count(), 0, "the plan is shown with another request's error");
  const job = await sendRows(page);
  assert.notEqual(job, cancelled);

  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: "Jobs" }).click();
  const leave = page.getByRole("dialog", { name: "Leave this page?" });
  await leave.getByText("The deletion is not confirmed.").waitFor();
  await leave.getByText(`The job ${job} stays open. It deletes nothing`).waitFor();
  await look(page, "Leave this page?");
  await button(leave, "Leave").click();
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await page
    .getByRole("row")
    .filter({ has: page.getByTitle(cancelled) })
    .getByText(/^Cancell/)
    .waitFor();
  const row = page.getByRole("row").filter({ has: page.getByTitle(job) });
  await row.getByText("Open", { exact: true }).waitFor();
  const api = apiOf(t.ready, t.tab.token("identity_admin"));
  const open = (await api.json("GET", `deletion_jobs/${job}`)).job;
  assert.deepEqual([open.state, open.rows, open.counts.deleted ?? 0], ["open", LONG_ROWS, 0]);
  await assertThere(api);

  await row.getByRole("link").first().click();
  await state(page, "Open").waitFor();
  await look(page, "Open job");
  const starts = startsOf(page);
  await button(page, "Start").click();
  const dialog = page.getByRole("dialog", { name: "Start this job?" });
  const confirm = await consent(dialog, "up to 1 identifier");
  await look(page, "Start this job?");
  const before = Date.now();
  await confirm.click();
  await dialog.waitFor({ state: "detached" });
  await undo(page, t, job);
  assert.equal(starts.length, 1);
  const ahead = startAt(starts[0]) - before;
  assert.ok(ahead > UNDO_MS - SLOW_MS && ahead < UNDO_MS + SLOW_MS, `the job starts ${ahead} ms ahead`);
});
