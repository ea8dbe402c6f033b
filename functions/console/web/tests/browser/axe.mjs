import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Animations that end are over before colours are compared. */
const SETTLED = `Promise.all(document.getAnimations()
  .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)
  .map((animation) => animation.finished.catch(() => {})))`;

/** Asserts that axe finds nothing on the page, in a world of its own that the page's policy lets be. */
export async function axe(page, where) {
  const devtools = await page.context().newCDPSession(page);
  try {
    const { frameTree } = await devtools.send("Page.getFrameTree");
    const world = { frameId: frameTree.frame.id, worldName: "axe" };
    const { executionContextId } = await devtools.send("Page.createIsolatedWorld", world);
    const run = async (expression) => {
      const request = { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", request);
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    };
    await run(SOURCE);
    const found = await run(`${SETTLED}.then(() => axe.run({ resultTypes: ["violations"] })).then(${told})`);
    assert.deepEqual(found, [], `axe: ${where}`);
  } finally {
    await devtools.detach();
  }
}

/** Runs in the page: the violations, as short as one can read them. */
function told({ violations }) {
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html, failureSummary }) => `${id}: ${target}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}
