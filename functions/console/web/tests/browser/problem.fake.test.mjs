import assert from "node:assert/strict";
import { browserTest, fillSignIn, goTo, lookUp } from "./harness.mjs";
import { confirm, openSegment, recorded, SPACE } from "./uncertain.mjs";

const ID = "req_0123456789abcdef";
const EMAIL = "details.1.private@example.com";

/** A response with an error, as the API has it. */
const reject = (status, code, message, beside) => (route) =>
  route.fulfill({ status, headers: { "Request-Id": ID }, json: { error: { code, message }, ...beside } });

/** Asserts that a notice has all that an operator asks for, and copies it. */
async function hasDetails(page, title, code) {
  const notice = page.locator(".notice").filter({ hasText: title }).first();
  await notice.waitFor();
  const [shown, id] = await notice.locator("code").allTextContents();
  assert.equal(shown, code, `${title}: no code`);
  assert.ok(id, `${title}: no Request-Id`);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await notice.getByRole("button", { name: "Copy error" }).click();
  await notice.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.startsWith(`${code}: `) && copied.endsWith(`\nRequest-Id: ${id}`), copied);
}

browserTest("a token that is not valid is told with its code and Request-Id", async ({ tab }) => {
  const page = await tab.open();
  await fillSignIn(page, { space: SPACE, token: "eff_nobody" });
  await hasDetails(page, "This token is not valid for this space", "unauthorized");
});

browserTest("what may not be seen is told with its code and Request-Id", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: "spa_forbidden" });
  await goTo(page, "Jobs");
  await hasDetails(page, "You may not see the jobs", "forbidden");
});

browserTest("that there is no journal is told with its code and Request-Id", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: "spa_off" });
  await goTo(page, "Audit log");
  await hasDetails(page, "This deployment keeps no audit log", "journal_off");
});

browserTest("a receipt of an identifier has commands, and that there is none is told with all details", async (t) => {
  t.tab.plant(EMAIL);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  await lookUp(page, "user_id", "details_1");
  await page.getByRole("button", { name: /^Delete email/ }).click();
  const dialog = page.getByRole("dialog");
  await confirm(dialog);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  for (const [label, expected] of [
    ["Copy receipt as curl", `/receipts/email:${encodeURIComponent(EMAIL)}`],
    ["Copy receipt as efface", `efface receipt get email:${EMAIL} --space ${SPACE} `],
  ]) {
    await dialog.getByRole("button", { name: label }).click();
    await dialog.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.includes(expected), copied);
    await dialog.getByRole("button", { name: label }).waitFor();
  }
  assert.equal(await dialog.getByText(EMAIL).count(), 0, "the value is shown");
  await page.route(/\/receipts\//, reject(404, "not_found", "The deletion was not found."));
  await dialog.getByRole("button", { name: "Get receipt" }).click();
  await hasDetails(page, "There is no receipt", "not_found");
});

browserTest("a conflict of a segment's deletion is told with its code and Request-Id", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: SPACE });
  const record = await recorded(page, /\/delete_users$/);
  await openSegment(page, "uncounted");
  const dialog = page.getByRole("dialog");
  record.answer = reject(409, "members_changed", "The segment has 7 members.", { members: 7 });
  await confirm(dialog);
  await hasDetails(page, "The segment has 7 members now", "members_changed");
  record.answer = reject(409, "job_in_progress", "It has a job.", { job_id: `job_${"0".repeat(32)}` });
  await confirm(dialog);
  await hasDetails(page, "The segment has a job that is not over", "job_in_progress");
});
