import assert from "node:assert/strict";

/** Marks the messages by which the page tells what it does. They are no messages of the console. */
const VIOLATION = "efface-test-violation ";
const ADDRESS = "efface-test-address ";

/** Runs in each page before its own scripts. It evaluates nothing later, which the page's policy would forbid. */
function tell({ VIOLATION: violation, ADDRESS: address }) {
  // biome-ignore lint/suspicious/noConsole: a message is how a page whose policy forbids all else tells the test something.
  const say = console.debug.bind(console);
  document.addEventListener("securitypolicyviolation", (event) => {
    say(
      `${violation}${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`,
    );
  });
  const tellAddress = () => say(address + location.href);
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name];
    history[name] = function (...rest) {
      original.apply(this, rest);
      tellAddress();
    };
  }
  addEventListener("hashchange", tellAddress);
  addEventListener("popstate", tellAddress);
  tellAddress();
}

/** Records what the pages of a context do that nobody may see. */
export async function watch(context, origin) {
  const seen = { origin, violations: [], errors: [], requests: [], messages: [], addresses: [] };
  await context.addInitScript(tell, { VIOLATION, ADDRESS });
  context.on("request", (request) => seen.requests.push(request.url()));
  context.on("weberror", (error) => seen.errors.push(error.error().stack ?? String(error.error())));
  context.on("console", (message) => note(seen, message.text(), message.location().url));
  context.on("page", (page) => {
    page.on("framenavigated", (frame) => seen.addresses.push(frame.url()));
  });
  return seen;
}

/** What the browser's own message of a failed request begins with. */
const FAILED = "Failed to load resource";

function note(seen, text, url) {
  if (text.startsWith(VIOLATION)) seen.violations.push(text.slice(VIOLATION.length));
  else if (text.startsWith(ADDRESS)) seen.addresses.push(text.slice(ADDRESS.length));
  else {
    if (/Content Security Policy|Content-Security-Policy|TrustedHTML|TrustedScript/i.test(text))
      seen.violations.push(text);
    seen.messages.push(text);
    // The browser tells a failed request by itself, with its address: no page can keep identifiers out of that, because the
    // paths of the API have them.
    if (!text.startsWith(FAILED)) seen.messages.push(url);
  }
}

/** A value in the forms in which it could stand somewhere. */
const formsOf = (value) => [value, encodeURIComponent(value), encodeURI(value), JSON.stringify(value).slice(1, -1)];

/** Asserts that no policy was violated, that nothing was sent elsewhere, and that no planted value was left anywhere. */
export async function check(context, seen, { planted, isKept }) {
  assert.deepEqual(seen.violations, [], "violations of the Content Security Policy");
  assert.deepEqual(seen.errors, [], "errors of the page");
  const foreign = seen.requests.filter((url) => !url.startsWith("data:") && new URL(url).origin !== seen.origin);
  assert.deepEqual(foreign, [], "requests to other origins");
  const places = [
    ...seen.addresses.map((text) => ["the address or the history", text]),
    ...seen.messages.map((text) => ["a console message", text]),
    ...(await kept(context, isKept)),
  ];
  for (const value of planted) {
    for (const [place, text] of places) {
      assert.ok(
        !formsOf(value).some((form) => text.includes(form)),
        `${place} has a planted value: ${text.slice(0, 300)}`,
      );
    }
  }
}

/** The addresses that the browser's buttons lead back to. */
export async function historyOf(page) {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  await devtools.detach();
  return entries.map(({ url }) => url);
}

/** What the browser keeps: cookies, and the history and the storage of each page. */
async function kept(context, isKept) {
  const found = (await context.cookies()).map((cookie) => ["a cookie", JSON.stringify(cookie)]);
  for (const page of context.pages()) {
    found.push(["the title", await page.title()]);
    found.push(...(await historyOf(page)).map((url) => ["the history", url]));
    const text = await inPage(page, "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])");
    const [local, session] = JSON.parse(text);
    found.push(["localStorage", JSON.stringify(local)]);
    // The user may have asked for the session to be kept: then it is there, and nothing else.
    const others = isKept ? session.filter(([name]) => name !== "efface-session") : session;
    found.push(["sessionStorage", JSON.stringify(others)]);
  }
  return found;
}

/** Evaluates an expression as the browser's developer tools do, to which the page's policy does not apply. */
export async function inPage(page, expression, world = {}) {
  const devtools = await page.context().newCDPSession(page);
  try {
    const request = { expression, awaitPromise: true, returnByValue: true, ...world };
    const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", request);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  } finally {
    await devtools.detach();
  }
}
