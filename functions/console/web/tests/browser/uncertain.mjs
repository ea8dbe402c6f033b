import { randomUUID } from "node:crypto";
import { apiOf } from "./api.mjs";
import { APPROVAL_SPACE, fillSignIn, goTo, lookUp } from "./harness.mjs";

/** The space of `seed.fake.jsonl`: people and segments for each test of what is not certain. */
export const SPACE = "spa_uncertain";

const USERS = "Delete All Users in Segment";
const CONFIRMED = "It is not certain whether the deletion was confirmed";
const DELETED = "It is not certain whether it was deleted";

/**
 * What can be confirmed: how one gets to its dialog for a test, the path of the request that confirms it, what the dialog says
 * where a response is lost, whether the request names a time of start, and how many jobs it makes. `space` is where it is done.
 */
export const DELETIONS = {
  segment: {
    open: openSegment,
    path: /\/delete_users$/,
    uncertain: CONFIRMED,
    hasTime: true,
    made: 1,
  },
  plan: {
    async open(page, name, api) {
      const body = { action: "delete_profile", dry_run: true, group: name, rows: [`user_id:${name}_plan`] };
      const { job } = await api.json("POST", "deletion_jobs", body);
      await openJob(page, job.id);
      await page.getByRole("button", { name: "Execute" }).click();
    },
    path: /\/execute$/,
    uncertain: CONFIRMED,
    hasTime: true,
    made: 1,
  },
  start: {
    async open(page, name, api) {
      await openJob(page, (await makeOpenJob(api, name)).id);
      await page.getByRole("button", { name: "Start" }).click();
    },
    path: /\/start$/,
    uncertain: CONFIRMED,
    hasTime: true,
    made: 0,
  },
  approve: {
    async open(page, name, _, other) {
      const rows = [1, 2, 3].map((number) => `user_id:nobody_${name}_${number}`);
      const { job } = await other.json("POST", "deletion_jobs", {
        action: "delete_profile",
        group: randomUUID(),
        rows,
      });
      await openJob(page, job.id);
      await page.getByRole("button", { name: "Approve" }).click();
    },
    path: /\/approve$/,
    uncertain: CONFIRMED,
    hasTime: true,
    made: 0,
    space: APPROVAL_SPACE,
  },
  profile: {
    async open(page, name) {
      await lookUp(page, "user_id", `${name}_profile`);
      await page.getByRole("button", { name: "Delete profile" }).click();
    },
    path: /\/execute$/,
    uncertain: DELETED,
    hasTime: false,
    made: 1,
  },
  identifier: {
    async open(page, name) {
      await lookUp(page, "user_id", `${name}_identifier`);
      await page.getByRole("button", { name: /^Delete email/ }).click();
    },
    path: /\/external_ids\/delete$/,
    uncertain: DELETED,
    hasTime: false,
    made: 0,
  },
};

export async function openSegment(page, name) {
  await goTo(page, "User Segments");
  await page.getByRole("link", { name: `seg_${name}`, exact: true }).click();
  await page.getByRole("button", { name: USERS }).click();
}

/** The screen of a job. */
export async function openJob(page, id) {
  await page.evaluate((hash) => window.location.assign(hash), `#/jobs/${id}`);
  await page.getByRole("heading", { name: "Controls" }).waitFor();
}

/** Makes an open job of one row, which finds nobody. */
export async function makeOpenJob(api, name) {
  const body = { action: "delete_profile", open: true, group: randomUUID(), rows: [`user_id:nobody_${name}`] };
  return (await api.json("POST", "deletion_jobs", body)).job;
}

/** Chooses a list of identifiers, of which the dry run finds one, and makes its dry run. */
export async function openList(page, count) {
  await goTo(page, "Jobs");
  await page.getByRole("button", { name: "New job" }).click();
  await page.getByLabel(/One identifier/).check();
  const others = Array.from({ length: count - 1 }, (_, place) => `nobody_${place},email,nobody.${place}@example.com`);
  const lines = ["user_id,type,id", "changed_1,email,changed.1.private@example.com", ...others, "shoe"];
  const buffer = Buffer.from(`${lines.join("\n")}\n`);
  await page.getByLabel(/Choose a file/).setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Make the dry run" }).click();
  await page.getByRole("region", { name: "Goes" }).waitFor();
}

/** Notes how long requests may take, in milliseconds. Their time is over when the test says so. */
export async function holdTimeouts(page) {
  await page.evaluate(() => {
    window.timeouts = [];
    AbortSignal.timeout = (milliseconds) => {
      const stop = new AbortController();
      window.timeouts.push({ milliseconds, stop });
      return stop.signal;
    };
  });
  return {
    longest: () => page.evaluate(() => Math.max(...window.timeouts.map(({ milliseconds }) => milliseconds))),
    async end(least, most) {
      const held = await page.waitForFunction(
        (range) => window.timeouts.find((each) => each.milliseconds > range[0] && each.milliseconds <= range[1]),
        [least, most],
      );
      await held.evaluate(({ stop }) => stop.abort(new DOMException("Late", "TimeoutError")));
    },
  };
}

/** The API, for the one who has confirmed, or for somebody else. */
export const ownApi = ({ tab, ready }, space = SPACE, role = "workspace_owner") =>
  apiOf(ready, tab.token(role, space), space);

/** The ids of the jobs that delete something. */
export async function deletionsOf(api) {
  const { data } = await api.json("GET", "deletion_jobs?limit=100");
  return data.filter(({ dry_run }) => !dry_run).map(({ id }) => id);
}

/** Opens the dialog of a deletion. Returns the jobs that there are then. */
export async function opened(t, page, { open, space = SPACE }, name) {
  const api = ownApi(t, space);
  await open(page, name, api, ownApi(t, space, "privacy_admin"));
  return { api, before: await deletionsOf(api) };
}

/** Waits until a deletion is done: its job's screen has no question, or the dialog says so. */
export async function done(page) {
  await page
    .getByRole("heading", { level: 1, name: /^Delete (profiles|identifiers|the users of a segment)$/ })
    .or(page.getByRole("dialog", { name: "The identifier is deleted" }))
    .waitFor();
  await page.getByRole("button", { name: /^(Confirm Delete|Try again)$/ }).waitFor({ state: "detached" });
}

/** Ticks the box of the consent and presses the button. */
export async function confirm(dialog, press = (button) => button.click()) {
  await dialog.getByRole("checkbox", { name: /^(I want|Delete this)/ }).check();
  await press(dialog.getByRole("button", { name: "Confirm Delete" }));
}

/** Records the requests that confirm a deletion. `answer` says what becomes of the next ones. */
export async function recorded(page, path) {
  const record = { sent: [], answer: (route) => route.fallback() };
  await page.route(path, async (route) => {
    const request = route.request();
    const body = request.postData();
    // What a confirmation of a segment's deletion differs in from the question before it, and from a dry run.
    if (path.test("/delete_users") && !request.postDataJSON()?.confirm) return route.fallback();
    record.sent.push({ url: request.url(), key: await request.headerValue("idempotency-key"), body });
    return record.answer(route);
  });
  return record;
}

/** The service carries the request out, and its response is lost. */
export async function lose(route) {
  await route.fetch();
  await route.abort("connectionreset");
}

/** The request does not arrive. */
export const drop = (route) => route.abort("connectionreset");

/** A page that is signed in, and whose clock can be moved on. The service tells it no other time: responses have no `Date`. */
export async function signInWithClock(tab, space = SPACE) {
  const page = await tab.open();
  await page.route("**/v1/**", async (route) => {
    const response = await route.fetch().catch(() => null);
    if (response === null) return route.abort().catch(() => {});
    const { date, ...headers } = response.headers();
    return route.fulfill({ response, headers });
  });
  await page.clock.install();
  await page.reload();
  await fillSignIn(page, { space, token: tab.token("workspace_owner", space) });
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}
