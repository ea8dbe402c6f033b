import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { browserTest } from "./harness.mjs";
import {
  confirm,
  DELETIONS,
  deletionsOf,
  done,
  drop,
  holdTimeouts,
  lose,
  opened,
  openList,
  openSegment,
  ownApi,
  recorded,
  SPACE,
  signInWithClock,
} from "./uncertain.mjs";

const LATE = /^The time for undoing is over, so the request is not sent again/;

/** Asserts that one deletion was made since, where a job is made for it. */
async function isOne(api, before, { made }) {
  assert.equal((await deletionsOf(api)).length - before.length, made, "so many jobs were made");
}

// Before the plans of this person are executed.
browserTest("a time that comes in less than a minute leaves a minute to undo it", async (t) => {
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  const record = await recorded(page, DELETIONS.plan.path);
  await opened(t, page, DELETIONS.plan, "lost");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Start", { exact: true }).selectOption("later");
  // The next minute, where it does not come before the button is pressed, and is not a minute ahead anyway.
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 15_000 || left > 50_000) await wait(left < 15_000 ? left + 11_000 : left - 49_000);
  const next = new Date(Math.ceil(Date.now() / 60_000) * 60_000);
  const local = new Date(next.getTime() - next.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  await dialog.getByLabel("Start at").fill(local);
  record.answer = drop;
  const pressed = Date.now();
  await confirm(dialog);
  await dialog.getByText(DELETIONS.plan.uncertain).waitFor();
  const starts = Date.parse(JSON.parse(record.sent[0].body).start_at);
  assert.ok(starts - pressed >= 60_000 - 2_000, `it starts after ${starts - pressed} ms`);
});

for (const [kind, deletion] of Object.entries(DELETIONS)) {
  const { path, uncertain, hasTime, space = SPACE } = deletion;
  browserTest(`a deletion whose response is lost is confirmed once: ${kind}`, async (t) => {
    const page = await t.tab.signIn("workspace_owner", { space });
    const record = await recorded(page, path);
    const { api, before } = await opened(t, page, deletion, "lost");
    const dialog = page.getByRole("dialog");
    record.answer = lose;
    await confirm(dialog);
    await dialog.getByText(uncertain).waitFor();
    await isOne(api, before, deletion);
    record.answer = (route) => route.fallback();
    await dialog.getByRole("button", { name: "Try again" }).click();
    await done(page);
    assert.equal(record.sent.length, 2);
    assert.deepEqual(record.sent[1], record.sent[0], "it was another request");
    assert.ok(record.sent[0].key, "it has no key");
    if (hasTime) assert.match(record.sent[0].body, /"start_at":"\d{4}-/);
    await isOne(api, before, deletion);
  });

  browserTest(`a double click confirms once: ${kind}`, async (t) => {
    const page = await t.tab.signIn("workspace_owner", { space });
    const record = await recorded(page, path);
    const { api, before } = await opened(t, page, deletion, "double");
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
    await done(page);
    assert.equal(record.sent.length, 1, "it was sent more than once");
    await isOne(api, before, deletion);
  });
}

for (const [kind, deletion] of Object.entries(DELETIONS).filter(([, { hasTime }]) => hasTime)) {
  const { path, uncertain, space } = deletion;
  browserTest(`a request that came to nothing is not sent when it is too late to undo it: ${kind}`, async (t) => {
    const page = await signInWithClock(t.tab, space);
    const record = await recorded(page, path);
    const { api, before } = await opened(t, page, deletion, "late");
    const dialog = page.getByRole("dialog");
    record.answer = drop;
    await confirm(dialog);
    await dialog.getByText(uncertain).waitFor();
    // 60 seconds until it starts: with less than 15 of them left it is too late.
    await page.clock.fastForward(30_000);
    await dialog.getByRole("button", { name: "Try again" }).waitFor();
    await page.clock.fastForward(18_000);
    await dialog.getByText(LATE).waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Try again" }).count(), 0, "it can still be sent");
    assert.equal(await dialog.getByRole("checkbox").count(), 0, "something else can be confirmed unseen");
    assert.equal(await dialog.getByRole("link", { name: "Look in Jobs" }).getAttribute("href"), "#/jobs");
    assert.equal(record.sent.length, 1);
    assert.deepEqual(await deletionsOf(api), before, "a job was made");

    // Whoever has looked can confirm anew: another request, with a minute of its own.
    record.answer = (route) => route.fallback();
    await dialog.getByRole("button", { name: "I have looked: it is not confirmed" }).click();
    assert.ok(!(await dialog.getByRole("checkbox", { name: /^I want/ }).isChecked()), "the old consent holds");
    await confirm(dialog);
    await done(page);
    const [first, second] = record.sent;
    assert.equal(record.sent.length, 2);
    assert.notEqual(second.key, first.key);
    const starts = record.sent.map(({ body }) => Date.parse(JSON.parse(body).start_at));
    assert.ok(starts[1] - starts[0] >= 48_000, "it starts without a minute to undo it");
    await isOne(api, before, deletion);
  });
}

browserTest("a list of one page asks for all of its rows, and says how many the dry run found", async (t) => {
  const page = await t.tab.signIn("workspace_owner", { space: SPACE });
  await openList(page, 3);
  await page.getByText("The dry run found 1. What the other rows find by then is deleted too.").waitFor();
  const record = await recorded(page, /\/deletion_jobs$/);
  record.answer = () => {};
  const timeouts = await holdTimeouts(page);
  await page.getByLabel("I want up to 3 identifiers to be deleted for good.").check();
  await page.getByRole("button", { name: "Confirm Delete" }).click();
  // It is given up when there would be no time to undo it if it arrived, however slow the line is.
  await timeouts.end(40_000, 45_000);
  await page.getByText(DELETIONS.start.uncertain).waitFor();
  assert.equal(JSON.parse(record.sent[0].body).rows.length, 4);
});

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
  await done(page);
  assert.deepEqual(
    record.sent.map(({ body }) => JSON.parse(body).expected_members),
    [3, 4],
  );
  assert.notEqual(record.sent[1].key, record.sent[0].key);
  // Other tests find these people.
  await api.json("POST", `deletion_jobs/${page.url().split("/").at(-1)}/cancel`);
});
