import assert from "node:assert/strict";
import { browserTest, fillSignIn, goTo, SPACE } from "./harness.mjs";
import { historyOf } from "./watch.mjs";

const NOT_VALID = "This token is not valid for this space";
const signInHeading = (page) => page.getByRole("heading", { level: 1, name: "Sign in" });

browserTest("space and token sign in, and a reload signs out", async ({ tab }) => {
  const page = await tab.signIn("privacy_admin");
  await page.getByText("privacy_admin").first().waitFor();
  await goTo(page, "Space");
  await page.reload();
  await signInHeading(page).waitFor();
  assert.equal(await page.getByLabel("Token", { exact: true }).inputValue(), "");
});

browserTest("a session that the tab keeps survives a reload, and no sign-out", async ({ tab }) => {
  const page = await tab.signIn("privacy_admin", { isKept: true });
  await goTo(page, "Space");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Space" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  await page.reload();
  await signInHeading(page).waitFor();
});

browserTest("a session that the tab keeps is not restored when nobody has used it for 15 minutes", async ({ tab }) => {
  const page = await tab.signIn("privacy_admin", { isKept: true });
  await page.evaluate((ms) => {
    const [[name, kept]] = Object.entries(sessionStorage);
    const { usedAt, ...rest } = JSON.parse(kept);
    sessionStorage.setItem(name, JSON.stringify({ ...rest, usedAt: usedAt - ms }));
  }, 15 * 60_000);
  await page.reload();
  await signInHeading(page).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

browserTest("a sign-in works where the browser lets the page store nothing", async ({ tab }) => {
  const page = await tab.open();
  await page.evaluate(() => {
    for (const name of ["getItem", "setItem", "removeItem"]) {
      Storage.prototype[name] = () => {
        throw new DOMException("", "SecurityError");
      };
    }
  });
  await page.getByLabel("Keep me signed in until this tab is closed").check();
  await fillSignIn(page, { space: SPACE, token: tab.token("workspace_owner") });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
});

browserTest("a link opened in a tab that is signed in leaves its screen as it is", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "Deletion records");
  const value = page.getByLabel("Value", { exact: true });
  await value.fill(tab.plant("entered.before@example.com"));
  const before = page.url();
  await page.evaluate(() => {
    window.location.hash = "code=of_a_link";
  });
  await page.waitForURL(before);
  assert.ok(!(await historyOf(page)).some((url) => url.includes("of_a_link")), "the code is still in the history");
  assert.equal(await value.inputValue(), "entered.before@example.com");
});

browserTest("a screen with a fault says so, shows no data, and the others still work", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner");
  await page.route("**/deletion_jobs?*", (route) =>
    route.fulfill({ json: { data: [{ id: "job_x" }], cursor: { has_more: false, next: "" } } }),
  );
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "This screen cannot be shown" }).waitFor();
  await page.getByText("TypeError").waitFor();
  await goTo(page, "Space");
});

browserTest("a wrong token, and a wrong space, get one text", async ({ tab }) => {
  const page = await tab.open();
  await fillSignIn(page, { space: SPACE, token: tab.plant("eff_this_is_no_token") });
  await page.getByRole("alert").getByText(NOT_VALID).waitFor();
  await fillSignIn(page, { space: "spa_nowhere", token: tab.token("workspace_owner") });
  await page.getByRole("alert").getByText(NOT_VALID).waitFor();
});

browserTest("after 15 minutes without use the page signs out", async ({ tab }) => {
  const page = await tab.open();
  await page.clock.install();
  await page.reload();
  await fillSignIn(page, { space: SPACE, token: tab.token("workspace_owner") });
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.clock.fastForward("14:00");
  await page.getByRole("heading", { level: 1, name: "Overview" }).hover();
  await page.clock.fastForward("14:00");
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.clock.fastForward("02:00");
  await page.getByText("You were signed out, because nobody used the page for 15 minutes.").waitFor();
});

browserTest("a token that ends meanwhile is asked for again, and the page keeps what was entered", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "Deletion records");
  const value = page.getByLabel("Value", { exact: true });
  await value.fill(tab.plant("entered.before@example.com"));
  // Nobody but an operator can revoke a token: the page sees what it would see then.
  const ended = `Bearer ${tab.token("workspace_owner")}`;
  await page.route("**/v1/**", async (route) => {
    if ((await route.request().headerValue("authorization")) !== ended) return route.fallback();
    const error = { code: "unauthorized", message: "The specified token is invalid." };
    return route.fulfill({ status: 401, json: { error } });
  });
  await value.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.getByText("What you have entered on this page is kept.").waitFor();
  for (let times = 0; times < 3; times += 1) await page.keyboard.press("Escape");
  await dialog.getByLabel(`Token for ${SPACE}`).fill(tab.token("privacy_admin"));
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await value.inputValue(), "entered.before@example.com");
  await page.getByText("privacy_admin").first().waitFor();
});

browserTest("a sign-out is not undone by a token that is still being checked", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner");
  const ended = `Bearer ${tab.token("workspace_owner")}`;
  let answer = () => undefined;
  await page.route("**/v1/**", async (route) => {
    if ((await route.request().headerValue("authorization")) !== ended) {
      await new Promise((resolve) => {
        answer = resolve;
      });
      return route.continue();
    }
    return route.fulfill({ status: 401, json: { error: { code: "unauthorized", message: "It is invalid." } } });
  });
  await page.getByRole("link", { name: "Jobs", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Sign in again" });
  await dialog.getByLabel(`Token for ${SPACE}`).fill(tab.token("privacy_admin"));
  const sent = page.waitForRequest("**/token");
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
  await sent;
  await dialog.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  const answered = page.waitForResponse("**/token");
  answer();
  await answered;
  await page.waitForTimeout(500);
  await signInHeading(page).waitFor();
});
