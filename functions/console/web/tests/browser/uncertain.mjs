import { apiOf } from "./api.mjs";
import { fillSignIn, goTo, lookUp } from "./harness.mjs";

/** The space of `seed.fake.jsonl`: people and segments for each test of what is not certain. */
export const SPACE = "spa_uncertain";

const USERS = "Delete All Users in Segment";
const CONFIRMED = "It is not certain whether the deletion was confirmed";
const DELETED = "It is not certain whether it was deleted";

/**
 * What can be confirmed: how one gets to its dialog for a test, the path of the request that confirms it, what the dialog says
 * where a response is lost, and whether the request names a time of start.
 */
export const DELETIONS = {
  segment: {
    open: openSegment,
    path: /\/delete_users$/,
    uncertain: CONFIRMED,
    hasTime: true,
  },
  plan: {
    async open(page, name, api) {
      const body = { action: "delete_profile", dry_run: true, group: name, rows: [`user_id:${name}_plan`] };
      const { job } = await api.json("POST", "deletion_jobs", body);
      await page.evaluate((hash) => window.location.assign(hash), `#/jobs/${job.id}`);
      await page.getByRole("button", { name: "Execute" }).click();
    },
    path: /\/execute$/,
    uncertain: CONFIRMED,
    hasTime: true,
  },
  profile: {
    async open(page, name) {
      await lookUp(page, "user_id", `${name}_profile`);
      await page.getByRole("button", { name: "Delete profile" }).click();
    },
    path: /\/execute$/,
    uncertain: DELETED,
    hasTime: false,
  },
  identifier: {
    async open(page, name) {
      await lookUp(page, "user_id", `${name}_identifier`);
      await page.getByRole("button", { name: /^Delete email/ }).click();
    },
    path: /\/external_ids\/delete$/,
    uncertain: DELETED,
    hasTime: false,
  },
};

export async function openSegment(page, name) {
  await goTo(page, "User Segments");
  await page.getByRole("link", { name: `seg_${name}`, exact: true }).click();
  await page.getByRole("button", { name: USERS }).click();
}

/** The API, for the one who has confirmed. */
export const ownApi = ({ tab, ready }) => apiOf(ready, tab.token("workspace_owner", SPACE), SPACE);

/** The ids of the jobs that delete something. */
export async function deletionsOf(api) {
  const { data } = await api.json("GET", "deletion_jobs?limit=100");
  return data.filter(({ dry_run }) => !dry_run).map(({ id }) => id);
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
export async function signInWithClock(tab) {
  const page = await tab.open();
  await page.route("**/v1/**", async (route) => {
    const response = await route.fetch().catch(() => null);
    if (response === null) return route.abort().catch(() => {});
    const { date, ...headers } = response.headers();
    return route.fulfill({ response, headers });
  });
  await page.clock.install();
  await page.reload();
  await fillSignIn(page, { space: SPACE, token: tab.token("workspace_owner", SPACE) });
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}
