import assert from "node:assert/strict";
import { axe } from "./axe.mjs";
import { browserTest, openBrowser } from "./harness.mjs";
import { tabThrough } from "./keyboard.mjs";
import { check, inPage, watch } from "./watch.mjs";

const SECRET = "planted secret+1@example.com";

/** What must be noticed, and what does it on a page. */
const FAULTS = [
  [/Content Security Policy/, 'document.body.setAttribute("style", "color: red")'],
  [/Content Security Policy/, 'try { document.createElement("div").innerHTML = "<b>x</b>" } catch {}'],
  [/Content Security Policy/, 'setTimeout(() => { try { new Function("1") } catch {} })'],
  [/Content Security Policy|other origins/, 'fetch("https://elsewhere.example/").catch(() => {})'],
  [/errors of the page/, 'setTimeout(() => { throw new Error("a fault") })'],
  [/a console message/, `console.info("looked up ${SECRET}")`],
  [/a console message/, `console.info("x")\n//# sourceURL=/x?${encodeURIComponent(SECRET)}\n`],
  [
    /the address or the history/,
    `history.replaceState(null, "", "#/x?" + encodeURIComponent("${SECRET}")); history.replaceState(null, "", "#/")`,
  ],
  [/the history|the address/, `location.hash = "/profiles/${SECRET}"`],
  [/the title/, `document.title = "${SECRET}"`],
  [/localStorage/, `localStorage.setItem("x", "${SECRET}")`],
  [/sessionStorage/, `sessionStorage.setItem("x", "${SECRET}")`],
  [/a cookie/, `document.cookie = "x=" + encodeURIComponent("${SECRET}")`],
];

const hasPolicy = async (url) => (await fetch(url)).headers.has("Content-Security-Policy");

browserTest("what must never happen on a page is noticed", async ({ ready }) => {
  const browser = await openBrowser();
  // The sources in development have no policy.
  const isBuilt = await hasPolicy(`${ready.url}/console/index.html`);
  assert.ok(isBuilt || process.env.EFFACE_CONSOLE_FAKE !== undefined, "the console is served without its policy");
  for (const [expected, fault] of FAULTS.filter(([{ source }]) => isBuilt || !source.startsWith("Content"))) {
    const context = await browser.newContext();
    try {
      const seen = await watch(context, new URL(ready.url).origin);
      const page = await context.newPage();
      await page.goto(`${ready.url}/console/index.html`);
      await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
      await check(context, seen, { planted: [SECRET], isKept: false });
      await inPage(page, `${fault}; new Promise((resolve) => setTimeout(resolve, 50))`);
      const checked = check(context, seen, { planted: [SECRET], isKept: false });
      await assert.rejects(checked, expected, `it was not noticed: ${fault}`);
    } finally {
      await context.close();
    }
  }
});

/** What is wrong with a page, and which of the checks must find it. */
const BARRIERS = [
  [/image-alt/, (page) => axe(page, "here"), 'document.querySelector("main").append(document.createElement("img"))'],
  [/color-contrast/, (page) => axe(page, "here"), 'document.querySelector("h1").style.color = "#eeeeee"'],
  [/does not lead to these/, (page) => tabThrough(page, "here"), 'document.querySelector("main button").tabIndex = -1'],
  [
    /does not see the focus/,
    (page) => tabThrough(page, "here"),
    `{
     const button = document.querySelector("main button");
     button.style.outline = "none";
     button.style.boxShadow = "none";
   }`,
  ],
  [
    /something covers/,
    (page) => tabThrough(page, "here"),
    `{
     const part = document.createElement("div");
     part.style.cssText = "position: fixed; inset: auto 0 0; height: 90vh";
     document.querySelector("main").append(part);
   }`,
  ],
];

browserTest("what shuts people out is noticed", async ({ tab }) => {
  for (const [expected, look, barrier] of BARRIERS) {
    const page = await tab.open();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    await look(page);
    await inPage(page, barrier);
    await assert.rejects(look(page), expected, `it was not noticed: ${barrier}`);
  }
});
