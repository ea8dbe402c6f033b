import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { browserTest, goTo, MENU, SPACE, settle } from "./harness.mjs";
import { tabThrough } from "./keyboard.mjs";
import { inPage } from "./watch.mjs";

const PERSON = "profile_001";

/** How a screen is looked at. The narrowest is that of a phone. `looks.fake.test.mjs` has the other colours of the widest. */
const LOOKS = [
  { width: 1_280, colorScheme: "light" },
  { width: 360, colorScheme: "light" },
  { width: 360, colorScheme: "dark" },
  { width: 360, forcedColors: "active" },
];

/** Asserts that a screen is usable, however it is looked at. */
async function look(page, where) {
  await settle(page);
  for (const { width, colorScheme = "light", forcedColors = "none" } of LOOKS) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme, forcedColors });
    await axe(page, `${where}, ${width} wide, ${forcedColors === "active" ? "forced colours" : colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
  await page.setViewportSize({ width: 320, height: 900 });
  const width = await inPage(page, "document.scrollingElement.scrollWidth");
  assert.ok(width <= 320, `${where}: the page scrolls sideways, it is ${width} wide at 320`);
  await page.setViewportSize({ width: 1_280, height: 900 });
  await tabThrough(page, where);
}

browserTest("signed out", async ({ tab }) => {
  const page = await tab.open();
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await look(page, "Sign in");
  await page.getByRole("link", { name: "Check a receipt" }).click();
  await page.getByRole("heading", { level: 1, name: "Receipts" }).waitFor();
  await look(page, "Receipts, signed out");
});

for (const name of MENU) {
  browserTest(name, async ({ tab }) => {
    const page = await tab.signIn("workspace_owner");
    await goTo(page, name);
    await look(page, name);
  });
}

browserTest("a profile, and the question before its deletion", async ({ tab }) => {
  tab.plant(PERSON);
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "Profile explorer");
  await page.getByLabel("Identifier type").selectOption("user_id");
  await page.getByLabel("Value", { exact: true }).fill(PERSON);
  await page.getByRole("button", { name: "Look up" }).click();
  await page.getByRole("heading", { name: "Traits" }).waitFor();
  await look(page, "Profile");
  await page.getByRole("button", { name: "Delete profile" }).click();
  await page.getByRole("checkbox").waitFor();
  await look(page, "Delete profile");
});

browserTest("a job, and a new one", async ({ tab, ready }) => {
  const authorization = { Authorization: `Bearer ${tab.token("workspace_owner")}` };
  const body = { action: "delete_profile", dry_run: true, rows: [`user_id:${PERSON}`, "user_id:nobody", "wrong"] };
  const sent = { method: "POST", headers: { ...authorization, "Content-Type": "application/json" } };
  const response = await fetch(`${ready.url}/v1/spaces/${SPACE}/deletion_jobs`, {
    ...sent,
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  const { job } = await response.json();
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "Jobs");
  await page.locator(`td a[href$="${job.id}"], th a[href$="${job.id}"]`).click();
  await page.getByRole("heading", { level: 1, name: "Dry run: delete profiles" }).waitFor();
  assert.ok(page.url().endsWith(`#/jobs/${job.id}`));
  await look(page, "Job");
  await goTo(page, "Jobs");
  await page.getByRole("button", { name: "New job" }).click();
  await page.getByRole("heading", { level: 1, name: "New job" }).waitFor();
  await look(page, "New job");
});

browserTest("a segment, and the question before its users are deleted", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner");
  await goTo(page, "User Segments");
  await page.getByRole("link", { name: "seg_readers" }).first().click();
  const button = page.getByRole("button", { name: "Delete All Users in Segment" });
  await button.waitFor();
  await look(page, "Segment");
  await button.click();
  await page.getByRole("checkbox").first().waitFor();
  await look(page, "Delete All Users in Segment");
});
