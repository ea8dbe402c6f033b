import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { browserTest, goTo, lookUp, MENU, settle } from "./harness.mjs";
import { inPage } from "./watch.mjs";

/** The spaces of the fake API, each of which puts every screen into a state of its own. A real service has none of them. */
const SPACES = ["spa_empty", "spa_503", "spa_forbidden", "spa_many", "spa_ugly", "spa_off", "spa_demo"];

async function look(page, where) {
  await settle(page);
  await axe(page, where);
  await page.setViewportSize({ width: 320, height: 900 });
  const width = await inPage(page, "document.scrollingElement.scrollWidth");
  assert.ok(width <= 320, `${where}: the page scrolls sideways, it is ${width} wide at 320`);
  await page.setViewportSize({ width: 1_280, height: 900 });
}

/** Shows values that are hidden. What was shown is no longer among what can be. */
async function showSome(list, most) {
  const buttons = list.getByRole("button", { name: /^Show / });
  for (let shown = 0; shown < most && (await buttons.count()) > 0; shown += 1) await buttons.first().click();
}

for (const space of SPACES) {
  browserTest(`every screen in ${space}`, async ({ tab }) => {
    const page = await tab.signIn("workspace_owner", { space });
    for (const name of MENU) {
      await goTo(page, name);
      await look(page, `${name} in ${space}`);
    }
  });
}

browserTest("a profile, a segment and jobs whose texts are ugly", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: "spa_ugly" });
  await goTo(page, "Profile explorer");
  await page.getByLabel("Identifier type").selectOption("user_id");
  await page.getByLabel("Value", { exact: true }).fill("ugly");
  await page.getByRole("button", { name: "Look up" }).click();
  const identifiers = page.getByRole("region", { name: "All identifiers" });
  await identifiers.getByRole("row").nth(5).waitFor();
  await showSome(identifiers, 40);
  await showSome(page.getByRole("region", { name: /traits/i }).last(), 20);
  await look(page, "Profile in spa_ugly");
  assert.notEqual(await page.title(), "broken", "a value has become markup");
  await page.getByRole("button", { name: "Delete profile" }).click();
  await page.getByRole("checkbox").waitFor();
  await look(page, "Delete profile in spa_ugly");
  await page.getByRole("button", { name: "Cancel" }).click();
  for (const screen of ["User Segments", "Jobs"]) {
    await goTo(page, screen);
    const links = page.getByRole("main").getByRole("table").first().getByRole("rowheader").getByRole("link");
    await links.first().waitFor();
    for (let place = 0; place < Math.min(await links.count(), 4); place += 1) {
      await links.nth(place).click();
      await page.getByRole("heading", { level: 1, name: /^(Segment|Delete|Dry run)/ }).waitFor();
      await look(page, `${screen}, number ${place} in spa_ugly`);
      // The browser keeps titles in its history, and a segment's name is free text.
      if (screen === "User Segments") assert.equal(await page.title(), "Segment · Efface");
      await goTo(page, screen);
      await links.first().waitFor();
    }
  }
});

browserTest("a space in which deletions are switched off: each button that deletes says so", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: "spa_inactive" });
  const isOff = async (name) => {
    const button = page.getByRole("main").getByRole("button", { name }).first();
    await button.waitFor();
    assert.equal(await button.getAttribute("aria-disabled"), "true", `${name} can be pressed`);
    const reason = page.locator(`[id="${await button.getAttribute("aria-describedby")}"]`);
    assert.equal(await reason.textContent(), "Deletions are switched off in this space.");
  };
  await lookUp(page, "user_id", "inactive_1");
  await isOff("Delete profile");
  await isOff(/^Delete (email|an identifier)/);
  await goTo(page, "User Segments");
  await page.getByRole("link", { name: "seg_inactive", exact: true }).click();
  await isOff("Delete All Users in Segment");
});

browserTest("a job in each state", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: "spa_demo" });
  await goTo(page, "Jobs");
  const links = page.getByRole("main").getByRole("table").first().getByRole("rowheader").getByRole("link");
  await links.first().waitFor();
  const count = await links.count();
  assert.ok(count > 10, `there are ${count} jobs only`);
  for (let place = 0; place < count; place += 1) {
    await links.nth(place).click();
    await page.getByRole("region", { name: "Progress" }).waitFor();
    await look(page, `job ${place} in spa_demo`);
    await goTo(page, "Jobs");
    await links.first().waitFor();
  }
});
