import assert from "node:assert/strict";
import { browserTest, fillSignIn, goTo, SPACE } from "./harness.mjs";

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
  await dialog.getByLabel(`Token for ${SPACE}`).fill(tab.token("privacy_admin"));
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await value.inputValue(), "entered.before@example.com");
  await page.getByText("privacy_admin").first().waitFor();
});
