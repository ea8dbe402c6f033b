import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { browserTest } from "./harness.mjs";
import { confirm, DELETIONS, drop, lose, openSegment, recorded, SPACE } from "./uncertain.mjs";

const KINDS = ["segment", "profile", "identifier"];
const error = { code: "rate_limit_error", message: "Too many." };
const limit = (route) => route.fulfill({ status: 429, headers: { "Request-Id": "req_429" }, json: { error } });

/** The control that agrees, and those that send. */
const partsOf = (dialog) => ({
  box: dialog.getByRole("checkbox", { name: /^(I want|Delete this)/ }),
  again: dialog.getByRole("button", { name: "Try again" }),
  button: dialog.getByRole("button", { name: "Confirm Delete" }),
});

/** Asserts that nothing can be sent while nobody agrees, and that it can be when somebody does. */
async function isWithheld(dialog, record) {
  const { box, again, button } = partsOf(dialog);
  assert.ok(!(await box.isChecked()), "somebody agrees");
  assert.equal(await again.count(), 0, "it can be tried again without consent");
  await button.click({ force: true });
  // So long a request would take at most to be sent.
  await wait(300);
  assert.equal(record.sent.length, 1, "it was sent without consent");
  record.answer = (route) => route.fallback();
  await box.check();
  await again.click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(record.sent.length, 2);
}

/** A page with a dialog whose deletion was confirmed once. `answer` says what became of the request. */
async function confirmed({ tab }, kind, name, answer) {
  const page = await tab.signIn("workspace_owner", { space: SPACE });
  const record = await recorded(page, DELETIONS[kind].path);
  await DELETIONS[kind].open(page, name);
  const dialog = page.getByRole("dialog").filter({ has: page.getByRole("checkbox") });
  record.answer = answer;
  await confirm(dialog);
  await partsOf(dialog).again.waitFor();
  return { page, dialog, record };
}

/** Ends the token of whoever is signed in, and signs another one in, over the dialog. */
async function signInNext({ tab }, page, kind) {
  const ended = { code: "unauthorized", message: "The specified token is invalid." };
  const end = (route) => route.fulfill({ status: 401, json: { error: ended } });
  // What the page shows behind the dialog is asked for again, and so the page learns that the token has ended.
  const shown = kind === "segment" ? /\/segments\/[^/]+$/ : /\/metadata$/;
  await page.route(shown, end);
  await page.waitForTimeout(1_100);
  await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
  const next = page.getByRole("dialog", { name: "Sign in again" });
  await next.waitFor();
  await page.unroute(shown, end);
  await next.getByLabel(/^Token for/).fill(tab.plant("eff_workspace_owner_2"));
  await next.getByRole("button", { name: "Sign in" }).click();
  await next.waitFor({ state: "detached" });
}

for (const kind of KINDS) {
  browserTest(`a rejected deletion is not tried again when its box is no longer ticked: ${kind}`, async (t) => {
    const { dialog, record } = await confirmed(t, kind, "consent", limit);
    await partsOf(dialog).box.uncheck();
    await isWithheld(dialog, record);
  });
}

browserTest(
  "a deletion of many whose response is lost is not sent again by the next person who signs in",
  async (t) => {
    const page = await t.tab.signIn("workspace_owner", { space: SPACE });
    const record = await recorded(page, DELETIONS.segment.path);
    await DELETIONS.segment.open(page, "next");
    const dialog = page.getByRole("dialog", { name: /^Delete/ });
    record.answer = drop;
    await confirm(dialog);
    await partsOf(dialog).again.waitFor();
    await signInNext(t, page, "segment");
    await dialog.getByText(/^It was sent with another token, so the request is not sent again/).waitFor();
    assert.equal(await partsOf(dialog).again.count(), 0, "it can be sent again");
    await dialog.getByRole("button", { name: /^I have looked/ }).click();
    await partsOf(dialog).box.waitFor();
    assert.ok(!(await partsOf(dialog).box.isChecked()), "somebody agrees");
    assert.equal(record.sent.length, 1);
  },
);

for (const kind of KINDS) {
  browserTest(`a consent does not hold for the next person who signs in: ${kind}`, async (t) => {
    const { page, dialog, record } = await confirmed(t, kind, "next", limit);
    await signInNext(t, page, kind);
    await isWithheld(dialog, record);
  });
}

for (const kind of ["profile", "identifier"]) {
  browserTest(`a deletion whose response is lost is not sent again without consent: ${kind}`, async (t) => {
    const { dialog, record } = await confirmed(t, kind, "consent_lost", lose);
    await partsOf(dialog).box.uncheck();
    await isWithheld(dialog, record);
  });
}

browserTest("a segment's deletion has no commands before its members are counted", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: SPACE });
  let count = () => {};
  const isCounted = new Promise((resolve) => {
    count = resolve;
  });
  await page.route(/\/delete_users$/, async (route) => {
    if (route.request().postDataJSON()?.dry_run) {
      await isCounted;
      return route.fallback();
    }
    const asked = { code: "confirmation_required", message: "Look at the plan." };
    return route.fulfill({ status: 409, json: { error: asked, plan: { members: null, consequences: [] } } });
  });
  await openSegment(page, "uncounted");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The members are still being counted.").waitFor();
  const copy = dialog.getByRole("button", { name: /^Copy as/ });
  assert.equal(await copy.count(), 0, "there are commands without a number");
  count();
  await dialog.getByLabel("I want 1 member of this segment to be deleted for good.").waitFor();
  assert.equal(await copy.count(), 2);
});
