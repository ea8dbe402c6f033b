import assert from "node:assert/strict";
import { browserTest, goTo } from "./harness.mjs";

const PERSON = "profile_001";

/** What each role finds: a button that works, one that says why it does not, or none. */
const ON = "enabled";
const OFF = "disabled with a reason";
const NONE = "absent";

/** What becomes of a button, once it is there. */
async function stateOf(page, scope, name) {
  const button = scope.getByRole("button", { name });
  if ((await button.count()) === 0) return NONE;
  if ((await button.first().getAttribute("aria-disabled")) !== "true") return ON;
  const described = await button.first().getAttribute("aria-describedby");
  assert.ok(described, `${name} does not say why it can't be pressed`);
  const reason = await page.locator(`[id="${described}"]`).textContent();
  assert.match(reason, /The role \w+ may not .+ Roles that may: /, String(name));
  // It stays in the order of the Tab key, and pressing it does nothing.
  await button.first().focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.getByRole("dialog").count(), 0, `${name} has opened a dialog`);
  return OFF;
}

const ROLES = {
  workspace_owner: {
    profile: ON,
    identifier: ON,
    newJob: ON,
    jobs: ON,
    segments: ON,
    users: ON,
    audit: ON,
    records: ON,
  },
  identity_admin: {
    profile: OFF,
    identifier: ON,
    newJob: ON,
    jobs: ON,
    segments: OFF,
    users: NONE,
    audit: OFF,
    records: ON,
  },
  unify_engage_admin: {
    profile: OFF,
    identifier: ON,
    newJob: ON,
    jobs: ON,
    segments: OFF,
    users: NONE,
    audit: OFF,
    records: ON,
  },
  privacy_admin: {
    profile: ON,
    identifier: OFF,
    newJob: ON,
    jobs: ON,
    segments: OFF,
    users: NONE,
    audit: ON,
    records: ON,
  },
  administrator: {
    profile: OFF,
    identifier: OFF,
    newJob: OFF,
    jobs: ON,
    segments: ON,
    users: ON,
    audit: OFF,
    records: OFF,
  },
  profile_reader: {
    profile: OFF,
    identifier: OFF,
    newJob: OFF,
    jobs: OFF,
    segments: ON,
    users: NONE,
    audit: OFF,
    records: ON,
  },
  auditor: {
    profile: NONE,
    identifier: NONE,
    newJob: OFF,
    jobs: ON,
    segments: OFF,
    users: NONE,
    audit: ON,
    records: ON,
  },
};

/** Whether a screen shows what it is for, or says that the role may not see it. */
async function screenState(page, name) {
  await goTo(page, name);
  const main = page.getByRole("main");
  await main
    .getByText(/^Loading /)
    .first()
    .waitFor({ state: "detached" });
  const forbidden = main.getByText(/^You may not see /);
  if ((await forbidden.count()) === 0) return ON;
  await main
    .getByText(/The role \w+ may not .+ Roles that may: /)
    .first()
    .waitFor();
  return OFF;
}

for (const [role, expected] of Object.entries(ROLES)) {
  browserTest(`what ${role} may do`, async ({ tab }) => {
    tab.plant(PERSON);
    const page = await tab.signIn(role);
    const main = page.getByRole("main");
    const found = {};

    await goTo(page, "Profile explorer");
    if (await main.getByLabel("Identifier type").count()) {
      await main.getByLabel("Identifier type").selectOption("user_id");
      await main.getByLabel("Value", { exact: true }).fill(PERSON);
      await main.getByRole("button", { name: "Look up" }).click();
      await main.getByRole("region", { name: "All identifiers" }).waitFor();
    }
    found.profile = await stateOf(page, main, "Delete profile");
    found.identifier = await stateOf(page, main, /^Delete (email|an identifier)/);

    found.jobs = await screenState(page, "Jobs");
    found.newJob = await stateOf(page, main, "New job");
    found.segments = await screenState(page, "User Segments");
    if (found.segments === ON) {
      await main
        .getByRole("link", { name: /seg_readers/ })
        .first()
        .click();
      // The list has the same words as the segment's screen: only this part of it says that it is there.
      await main.getByRole("region", { name: "Actions" }).waitFor();
    }
    found.users = await stateOf(page, main, "Delete All Users in Segment");
    found.audit = await screenState(page, "Audit log");
    found.records = await screenState(page, "Deletion records");
    assert.deepEqual(found, expected);
  });
}
