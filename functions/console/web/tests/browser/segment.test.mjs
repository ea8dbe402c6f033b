import assert from "node:assert/strict";
import { apiOf } from "./api.mjs";
import { browserTest, goTo, JOB_MS } from "./harness.mjs";

const DELETE = "Delete All Users in Segment";
const MEMBERS = 3;

async function openSegment(page, name) {
  await goTo(page, "User Segments");
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Segment" }).waitFor();
}

/** Asks for the deletion and consents to it. Returns when the job's screen is there. */
async function confirmDeletion(page) {
  await page.getByRole("button", { name: DELETE }).click();
  const dialog = page.getByRole("dialog", { name: DELETE });
  const confirm = dialog.getByRole("button", { name: "Confirm Delete" });
  await confirm.waitFor();
  assert.equal(await confirm.getAttribute("aria-disabled"), "true", "it can be confirmed without consent");
  await dialog.getByRole("region", { name: "Goes" }).getByText("profiles").waitFor();
  await dialog.getByLabel(`I want ${MEMBERS} members of this segment to be deleted for good.`).check();
  await confirm.click();
  await page.getByRole("heading", { level: 1, name: "Delete the users of a segment" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).waitFor();
}

browserTest("a disabled segment is listed only where it is asked for", async ({ tab }) => {
  const page = await tab.signIn("administrator");
  await openSegment(page, "seg_readers");
  await page.getByRole("button", { name: "Disable", exact: true }).click();
  await page.getByRole("button", { name: "Enable", exact: true }).waitFor();
  await goTo(page, "User Segments");
  await page.getByRole("link", { name: "seg_campaign" }).waitFor();
  await page.getByRole("link", { name: "seg_readers" }).waitFor({ state: "detached" });
  await page.getByLabel("Show Disabled").check();
  const row = page.getByRole("row").filter({ hasText: "seg_readers" });
  await row.getByText("Disabled").waitFor();
  const weight = (locator) => locator.evaluate((element) => Number(getComputedStyle(element).fontWeight));
  const enabled = page.getByRole("row").filter({ hasText: "seg_campaign" });
  const link = (of) => of.getByRole("link", { name: /^seg_/ });
  assert.ok((await weight(link(row))) < (await weight(link(enabled))), "a disabled segment has no lighter weight");
  await row.getByRole("link", { name: "seg_readers" }).click();
  await page.getByRole("button", { name: "Enable", exact: true }).click();
  await page.getByRole("button", { name: "Disable", exact: true }).waitFor();
});

browserTest("a confirmed deletion is undone before it starts, and nobody is deleted", async ({ tab, ready }) => {
  const page = await tab.signIn("administrator");
  await openSegment(page, "seg_campaign");
  await page.getByText(`${MEMBERS}, as of `).waitFor();
  await confirmDeletion(page);
  await page.getByRole("button", { name: "Undo" }).click();
  await page
    .getByRole("main")
    .getByText(/^It was cancelled before it/)
    .waitFor({ timeout: JOB_MS });
  const api = apiOf(ready, tab.token("administrator"));
  const { segment } = await api.json("GET", "segments/seg_campaign?count=true");
  assert.equal(segment.members, MEMBERS);
  assert.equal(segment.state, "enabled");
});

browserTest(
  "a deletion whose response was lost is sent again as it was, also from another dialog",
  async ({ tab, ready }) => {
    const page = await tab.signIn("administrator");
    await openSegment(page, "seg_campaign");
    const sent = [];
    let answer = (route) => route.abort();
    await page.route("**/delete_users", async (route) => {
      const request = route.request();
      if (!request.postDataJSON()?.confirm) return route.continue();
      sent.push(`${request.headers()["idempotency-key"]} ${request.postData()}`);
      return answer(route);
    });
    const dialog = page.getByRole("dialog", { name: DELETE });
    const open = () => page.getByRole("button", { name: DELETE }).click();
    await open();
    await dialog.getByLabel(/I want/).check();
    await dialog.getByRole("button", { name: "Confirm Delete" }).click();
    await dialog.getByText("It is not certain whether").waitFor();
    assert.equal(await dialog.getByRole("checkbox").count(), 0, "the request can be changed while it is not certain");
    // A rejection of the next one says nothing of the first.
    const error = { code: "rate_limit_error", message: "Too many." };
    answer = (route) => route.fulfill({ status: 429, json: { error } });
    await dialog.getByRole("button", { name: "Try again" }).click();
    await dialog.getByText("Too many.").waitFor();
    await dialog.getByText("It is not certain whether").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await open();
    await dialog.getByText("It is not certain whether").waitFor();
    answer = (route) => route.continue();
    await dialog.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("button", { name: "Undo" }).click();
    await page
      .getByRole("main")
      .getByText(/^It was cancelled before it/)
      .waitFor({ timeout: JOB_MS });
    assert.equal(sent.length, 3);
    assert.equal(new Set(sent).size, 1, "it was another request");
    const api = apiOf(ready, tab.token("administrator"));
    assert.equal((await api.json("GET", "segments/seg_campaign?count=true")).segment.members, MEMBERS);
  },
);

browserTest("all users in a segment are deleted, from the plan to the verified end", async ({ tab, ready }) => {
  const page = await tab.signIn("administrator");
  await openSegment(page, "seg_campaign");
  await confirmDeletion(page);
  const job = page.url();
  // The segment's screen tells of the job as well.
  await openSegment(page, "seg_campaign");
  const follow = page.getByRole("main").getByRole("link", { name: /follow/i });
  await follow.waitFor();
  const button = page.getByRole("button", { name: DELETE });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await follow.click();
  assert.equal(page.url(), job);
  await page
    .getByRole("main")
    .getByText("Everything that its rows name is deleted, or was not there.")
    .waitFor({ timeout: JOB_MS });
  await page
    .getByRole("main")
    .getByText("The outcomes were read again, and add up to the counts.")
    .waitFor({ timeout: JOB_MS });

  await openSegmentThatIsDisabled(page);
  await page.getByText("The segment has no members: there is nobody to delete.").waitFor();
  const api = apiOf(ready, tab.token("administrator"));
  const { segment } = await api.json("GET", "segments/seg_campaign?count=true");
  assert.equal(segment.members, 0);
});

async function openSegmentThatIsDisabled(page) {
  await goTo(page, "User Segments");
  await page.getByLabel("Show Disabled").check();
  await page.getByRole("link", { name: "seg_campaign" }).click();
  await page.getByRole("button", { name: "Enable", exact: true }).waitFor();
}
