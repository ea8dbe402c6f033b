import assert from "node:assert/strict";
import { browserTest } from "./harness.mjs";
import {
  confirm,
  DELETIONS,
  deletionsOf,
  drop,
  lose,
  openSegment,
  ownApi,
  recorded,
  SPACE,
  signInWithClock,
} from "./uncertain.mjs";

const LATE = /^The time for undoing is over, so the request is not sent again/;

/** The screen where a deletion is done: that of its job, or what the dialog says. */
const done = (page) =>
  page
    .getByRole("heading", { level: 1, name: /^Delete (profiles|the users of a segment)$/ })
    .or(page.getByRole("dialog", { name: "The identifier is deleted" }));

/** Asserts that one deletion was made since, where jobs make it. */
async function isOne(api, before, kind) {
  const made = (await deletionsOf(api)).length - before.length;
  assert.equal(made, kind === "identifier" ? 0 : 1, "so many jobs were made");
}

for (const [kind, { open, path, uncertain, hasTime }] of Object.entries(DELETIONS)) {
  browserTest(`a deletion whose response is lost is confirmed once: ${kind}`, async (t) => {
    const api = ownApi(t);
    const page = await t.tab.signIn("workspace_owner", { space: SPACE });
    const before = await deletionsOf(api);
    const record = await recorded(page, path);
    await open(page, "lost", api);
    const dialog = page.getByRole("dialog");
    record.answer = lose;
    await confirm(dialog);
    await dialog.getByText(uncertain).waitFor();
    await isOne(api, before, kind);
    record.answer = (route) => route.fallback();
    await dialog.getByRole("button", { name: "Try again" }).click();
    await done(page).waitFor();
    assert.equal(record.sent.length, 2);
    assert.deepEqual(record.sent[1], record.sent[0], "it was another request");
    assert.ok(record.sent[0].key, "it has no key");
    if (hasTime) assert.match(record.sent[0].body, /"start_at":"\d{4}-/);
    await isOne(api, before, kind);
  });

  browserTest(`a double click confirms once: ${kind}`, async (t) => {
    const api = ownApi(t);
    const page = await t.tab.signIn("workspace_owner", { space: SPACE });
    const before = await deletionsOf(api);
    const record = await recorded(page, path);
    await open(page, "double", api);
    let release = () => {};
    const isReleased = new Promise((resolve) => {
      release = resolve;
    });
    record.answer = async (route) => {
      await isReleased;
      return route.fallback();
    };
    const dialog = page.getByRole("dialog");
    await confirm(dialog, (button) => button.dblclick());
    await page.keyboard.press("Enter");
    await dialog.locator("[aria-busy=true]").first().waitFor();
    release();
    await done(page).waitFor();
    assert.equal(record.sent.length, 1, "it was sent more than once");
    await isOne(api, before, kind);
  });
}

for (const [kind, { open, path, uncertain }] of Object.entries(DELETIONS).filter(([, { hasTime }]) => hasTime)) {
  browserTest(`a request that came to nothing is not sent when it is too late to undo it: ${kind}`, async (t) => {
    const api = ownApi(t);
    const page = await signInWithClock(t.tab);
    const before = await deletionsOf(api);
    const record = await recorded(page, path);
    await open(page, "late", api);
    const dialog = page.getByRole("dialog");
    record.answer = drop;
    await confirm(dialog);
    await dialog.getByText(uncertain).waitFor();
    // 60 seconds until it starts: with less than 15 of them left it is too late.
    await page.clock.fastForward(40_000);
    await dialog.getByRole("button", { name: "Try again" }).waitFor();
    await page.clock.fastForward(8_000);
    await dialog.getByText(LATE).waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Try again" }).count(), 0, "it can still be sent");
    assert.equal(await dialog.getByRole("checkbox").count(), 0, "something else can be confirmed unseen");
    assert.equal(await dialog.getByRole("link", { name: "Look in Jobs" }).getAttribute("href"), "#/jobs");
    assert.equal(record.sent.length, 1);
    assert.deepEqual(await deletionsOf(api), before, "a job was made");

    // Whoever has looked can confirm anew: another request, with a minute of its own.
    record.answer = (route) => route.fallback();
    await dialog.getByRole("button", { name: "I have looked: it is not there" }).click();
    assert.ok(!(await dialog.getByRole("checkbox", { name: /^I want/ }).isChecked()), "the old consent holds");
    await confirm(dialog);
    await done(page).waitFor();
    const [first, second] = record.sent;
    assert.equal(record.sent.length, 2);
    assert.notEqual(second.key, first.key);
    const starts = record.sent.map(({ body }) => Date.parse(JSON.parse(body).start_at));
    assert.ok(starts[1] - starts[0] >= 48_000, "it starts without a minute to undo it");
    await isOne(api, before, kind);
  });
}

browserTest("a press at the moment when it becomes too late sends nothing", async (t) => {
  const page = await signInWithClock(t.tab);
  const { path, uncertain } = DELETIONS.segment;
  const record = await recorded(page, path);
  await openSegment(page, "press");
  const dialog = page.getByRole("dialog");
  record.answer = drop;
  await confirm(dialog);
  await dialog.getByText(uncertain).waitFor();
  // The page has not noticed yet that its time has passed.
  await page.clock.pauseAt(Date.now() + 10_000);
  await page.clock.setSystemTime(Date.now() + 50_000);
  await dialog.getByRole("button", { name: "Try again" }).click();
  await page.clock.resume();
  await page.clock.fastForward(2_000);
  await dialog.getByText(LATE).waitFor();
  assert.equal(record.sent.length, 1, "it was sent without time to undo it");
});

browserTest("a consent does not hold for another number of members", async (t) => {
  const api = ownApi(t);
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  const before = await deletionsOf(api);
  const record = await recorded(page, DELETIONS.segment.path);
  await openSegment(page, "changed");
  const dialog = page.getByRole("dialog");
  const button = dialog.getByRole("button", { name: "Confirm Delete" });
  await dialog.getByLabel("I want 3 members of this segment to be deleted for good.").check();
  await api.json("POST", "segments/seg_changed/members", { rows: ["user_id:changed_4"] });
  await button.click();
  await dialog.getByText("The segment has 4 members now").waitFor();
  const consent = dialog.getByLabel("I want 4 members of this segment to be deleted for good.");
  assert.ok(!(await consent.isChecked()), "the box is still ticked");
  await dialog.getByRole("status").getByText("This has changed since you ticked the box.").waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true", "it can be confirmed without consent");
  assert.deepEqual(await deletionsOf(api), before, "a job was made");
  const { segment } = await api.json("GET", "segments/seg_changed?count=true");
  assert.deepEqual([segment.members, segment.state], [4, "enabled"]);

  await consent.check();
  await button.click();
  await done(page).waitFor();
  assert.deepEqual(
    record.sent.map(({ body }) => JSON.parse(body).expected_members),
    [3, 4],
  );
  assert.notEqual(record.sent[1].key, record.sent[0].key);
});
