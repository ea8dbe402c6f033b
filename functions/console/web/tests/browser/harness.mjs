import { after, test } from "node:test";
import { launch } from "./chromium.mjs";
import { startService } from "./service.mjs";
import { check, watch } from "./watch.mjs";

/** How long a page may take to show something that needs no job. */
const SHOWN_MS = 20_000;
/** How long a test may take: jobs start a minute after they are confirmed. */
const TEST_MS = 15 * 60_000;
/** How long a job may take until it is verified. */
export const JOB_MS = 5 * 60_000;

export const SPACE = "spa_console";
export const APPROVAL_SPACE = "spa_console_approval";

/** The screens of the menu. */
export const MENU = [
  "Overview",
  "Profile explorer",
  "Deletion records",
  "Jobs",
  "User Segments",
  "Audit log",
  "Receipts",
  "Space",
];

let started = null;

async function start() {
  const service = await startService();
  const browser = await launch();
  return { ...service, browser };
}

after(async () => {
  const run = await started?.catch(() => null);
  await run?.browser.close();
  await run?.stop();
});

/**
 * A test with browsers of its own. After it, also after a failure of it, everything is looked for that must never happen on any
 * page: see `check`.
 */
export function browserTest(name, body) {
  test(name, { timeout: TEST_MS }, async () => {
    started ??= start();
    const run = await started;
    const tab = new Tabs(run);
    try {
      await body({ tab, ready: run.ready });
      await tab.check();
    } catch (error) {
      await tab.shoot(name);
      throw error;
    } finally {
      await tab.close();
    }
  });
}

/** The browser of the tests. */
export async function openBrowser() {
  return (await started).browser;
}

/** The browsers of a test. */
class Tabs {
  #run;
  #opened = [];
  #planted = new Set();

  constructor(run) {
    this.#run = run;
  }

  /** Notes a value that must be in no address, no history, no storage, no title and no message. Returns it. */
  plant(value) {
    this.#planted.add(value);
    return value;
  }

  /** The token of a role. */
  token(role, space = SPACE) {
    return this.plant(this.#run.ready.spaces[space].tokens[role]);
  }

  /** A page of a browser that has nothing of any other, at an address below the console. */
  async open({ address = "index.html", width = 1_280, isKept = false, ...options } = {}) {
    const { browser, ready } = this.#run;
    const context = await browser.newContext({ viewport: { width, height: 900 }, ...options });
    context.setDefaultTimeout(SHOWN_MS);
    const seen = await watch(context, new URL(ready.url).origin);
    this.#opened.push({ context, seen, isKept });
    const page = await context.newPage();
    await page.goto(address.startsWith("http") ? address : `${ready.url}/console/${address}`);
    return page;
  }

  /** The same, signed in. */
  async signIn(role, { space = SPACE, ...options } = {}) {
    const page = await this.open(options);
    await fillSignIn(page, { space, token: this.token(role, space), isKept: options.isKept });
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    return page;
  }

  async check() {
    for (const { context, seen, isKept } of this.#opened)
      await check(context, seen, { planted: this.#planted, isKept });
  }

  /** After a failure: pictures of the pages, where `EFFACE_CONSOLE_SHOTS` names a folder for them. */
  async shoot(name) {
    const folder = process.env.EFFACE_CONSOLE_SHOTS;
    if (!folder) return;
    const pages = this.#opened.flatMap(({ context }) => context.pages());
    for (const [place, page] of pages.entries()) {
      await page.screenshot({ path: `${folder}/${name.replaceAll(/\W+/g, "_")}_${place}.png`, fullPage: true });
    }
  }

  async close() {
    for (const { context } of this.#opened) await context.close();
  }
}

/** Fills in the form and sends it. */
export async function fillSignIn(page, { space, token, isKept = false }) {
  await page.getByLabel("Space").fill(space);
  await page.getByLabel("Token", { exact: true }).fill(token);
  if (isKept) await page.getByLabel("Keep me signed in until this tab is closed").check();
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Goes to a screen by the menu. */
export async function goTo(page, name) {
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Looks a person up. */
export async function lookUp(page, type, value) {
  await goTo(page, "Profile explorer");
  await page.getByLabel("Identifier type").selectOption(type);
  await page.getByLabel("Value", { exact: true }).fill(value);
  await page.getByRole("button", { name: "Look up" }).click();
}

/** Waits until nothing is loading any more. */
export async function settle(page) {
  await page
    .getByText(/^(Loading|Counting) /)
    .first()
    .waitFor({ state: "detached" });
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
}
