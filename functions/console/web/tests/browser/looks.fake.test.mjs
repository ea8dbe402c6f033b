import assert from "node:assert/strict";
import { apiOf } from "./api.mjs";
import { axe } from "./axe.mjs";
import { browserTest, fillSignIn, goTo, lookUp, MENU, settle } from "./harness.mjs";
import { tabThrough } from "./keyboard.mjs";
import { inPage } from "./watch.mjs";

/** The space of the fake API that has much of everything. */
const SPACE = "spa_demo";
const PERSON = "user_001";

/** Opens what a row of a screen's table is about. */
async function follow(page, screen, hasText, heading) {
  await goTo(page, screen);
  await page.getByRole("row").filter({ hasText }).getByRole("link").first().click();
  await page.getByRole("heading", { level: 1, name: heading }).waitFor();
}

/** Presses a button that opens a dialog, and waits until one can consent there. */
async function ask(page, name) {
  await page.getByRole("button", { name }).click();
  await page.getByRole("dialog").getByRole("checkbox").first().waitFor();
}

/** What is looked at, in this order, and how one gets there from what was before. */
const PLACES = [
  ...MENU.map((name) => [name, (page) => goTo(page, name)]),
  [
    "a profile",
    async (page) => {
      await lookUp(page, "user_id", PERSON);
      await page.getByRole("heading", { name: "Traits" }).waitFor();
    },
  ],
  ["Delete profile", (page) => ask(page, "Delete profile")],
  ["a segment", (page) => follow(page, "User Segments", "Inactive for two years", "Segment")],
  ["Delete All Users in Segment", (page) => ask(page, "Delete All Users in Segment")],
  ["a job with failed rows", (page) => follow(page, "Jobs", "failed rows", /^Delete/)],
  [
    "New job",
    async (page) => {
      await goTo(page, "Jobs");
      await page.getByRole("button", { name: "New job" }).click();
      await page.getByRole("heading", { level: 1, name: "New job" }).waitFor();
    },
  ],
];

/** Looks at every place, in a browser that is made for it. */
function everywhere(name, options, medium, look) {
  browserTest(name, async ({ tab }) => {
    tab.plant(PERSON);
    const page = await tab.signIn("workspace_owner", { space: SPACE, ...options });
    assert.ok(await inPage(page, `matchMedia("${medium}").matches`), `the browser is not in: ${medium}`);
    for (const [where, open] of PLACES) {
      await open(page);
      await settle(page);
      await look(page, `${where}, ${name}`);
      const dialog = page.getByRole("dialog");
      if (await dialog.count()) await dialog.getByRole("button", { name: "Cancel" }).click();
    }
  });
}

// A window of 1280 by 1024 has room for half as many pixels of the page at 200 %.
const ZOOMED = { viewport: { width: 640, height: 512 }, deviceScaleFactor: 2 };
everywhere("at 200 %", ZOOMED, "(max-width: 640px) and (resolution: 2dppx)", async (page, where) => {
  const width = await inPage(page, "document.scrollingElement.scrollWidth");
  assert.ok(width <= 640, `${where}: the page scrolls sideways, it is ${width} wide`);
  const wide = await inPage(
    page,
    `[...document.querySelectorAll("dialog[open]")].map((each) => each.scrollWidth > each.clientWidth)`,
  );
  assert.ok(!wide.includes(true), `${where}: the dialog scrolls sideways`);
  await tabThrough(page, where);
});

everywhere("in forced colours", { forcedColors: "active" }, "(forced-colors: active)", async (page, where) => {
  await axe(page, where);
  await tabThrough(page, where);
});

everywhere("in dark colours", { colorScheme: "dark" }, "(prefers-color-scheme: dark)", axe);

/** What moves on the page: animations that run, and what would move if it changed. */
function moving() {
  const isSome = (times) => times.split(", ").some((time) => Number.parseFloat(time) > 0);
  const moves = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    return isSome(style.transitionDuration) || style.animationName !== "none" || style.scrollBehavior === "smooth";
  };
  const all = [...document.querySelectorAll("*")];
  const found = all.filter((element) => [null, "::before", "::after"].some((pseudo) => moves(element, pseudo)));
  return [
    ...document.getAnimations().map((animation) => `an animation of ${animation.effect.target.className}`),
    ...found.map((element) => element.outerHTML.slice(0, 120)),
  ];
}

const STILL = { reducedMotion: "reduce" };
everywhere("with reduced motion", STILL, "(prefers-reduced-motion: reduce)", async (page, where) => {
  assert.deepEqual(await inPage(page, `(${moving})()`), [], `${where}: something moves`);
});

/** Holds every request of the console but the sign-in, until the function that it returns is called. */
async function hold(page) {
  let release = () => {};
  const isReleased = new Promise((resolve) => {
    release = resolve;
  });
  let isSignedIn = false;
  await page.route(/\/v1\/|\/health$/, async (route) => {
    const isSignIn = !isSignedIn && route.request().url().endsWith("/token");
    if (isSignIn) isSignedIn = true;
    else await isReleased;
    // The screen may be left by then, and its request with it.
    await route.continue().catch(() => {});
  });
  return release;
}

/** What each place says as long as no request is answered. */
const LOADING = {
  Overview: ["the jobs", "the numbers", "the failed rows", "the audit log"],
  Jobs: ["the jobs"],
  "User Segments": ["the segments"],
  "Audit log": ["the audit log"],
  Space: ["the version of the service", "the keys of the log"],
};

const loading = (page, what) =>
  page.getByRole("main").getByRole("status").getByText(`Loading ${what}`, { exact: true });

for (const [reducedMotion, isMoving] of [
  ["reduce", false],
  ["no-preference", true],
]) {
  browserTest(
    `what is loading says so, and ${isMoving ? "moves" : "stays still with reduced motion"}`,
    async ({ tab, ready }) => {
      const api = apiOf(ready, tab.token("workspace_owner", SPACE), SPACE);
      const { data } = await api.json("GET", "deletion_jobs?limit=1");
      const page = await tab.open({ reducedMotion });
      const release = await hold(page);
      await fillSignIn(page, { space: SPACE, token: tab.token("workspace_owner", SPACE) });
      const look = async (where, texts) => {
        for (const what of texts) await loading(page, what).waitFor();
        await axe(page, `${where}, loading`);
        assert.equal((await inPage(page, `(${moving})()`)).length > 0, isMoving, `${where}: whether it moves`);
      };
      for (const [name, texts] of Object.entries(LOADING)) {
        await goTo(page, name);
        await look(name, texts);
      }
      for (const [address, what] of [
        [`#/jobs/${data[0].id}`, "the job"],
        ["#/segments/seg_vip", "the segment"],
      ]) {
        await page.evaluate((hash) => window.location.assign(hash), address);
        await look(what, [what]);
      }
      await goTo(page, "Profile explorer");
      await page.getByLabel("Value", { exact: true }).fill(tab.plant(PERSON));
      await page.keyboard.press("Enter");
      await look("Profile explorer", ["the profile"]);
      await goTo(page, "Deletion records");
      await page.getByLabel("Value", { exact: true }).fill(PERSON);
      await page.keyboard.press("Enter");
      await look("Deletion records", ["the record"]);
      release();
      for (const name of MENU) {
        await goTo(page, name);
        await settle(page);
        assert.equal(
          await page
            .getByRole("main")
            .getByText(/^Loading /)
            .count(),
          0,
          `${name} is still loading`,
        );
      }
      await page.getByText("0.0.0").waitFor();
    },
  );
}

browserTest("a navigation is told: the heading has the focus, and the tab its name", async ({ tab }) => {
  const page = await tab.signIn("workspace_owner", { space: SPACE });
  for (const name of MENU.toReversed()) {
    await goTo(page, name);
    await page.locator("h1:focus", { hasText: name }).waitFor();
    assert.equal(await page.title(), `${name} · Efface`);
  }
});
