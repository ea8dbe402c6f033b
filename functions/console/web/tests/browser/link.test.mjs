import assert from "node:assert/strict";
import { browserTest } from "./harness.mjs";
import { historyOf } from "./watch.mjs";

browserTest("the link of cargo local signs in once, and leaves no trace of its code", async ({ tab, ready }) => {
  const code = new URL(ready.console).hash.replace("#code=", "");
  const page = await tab.open({ address: ready.console });
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await page.getByText(ready.space_id).first().waitFor();
  tab.plant(ready.spaces[ready.space_id].tokens.workspace_owner);
  assert.ok(!page.url().includes(code), "the code is still in the address");
  assert.ok(!(await historyOf(page)).some((url) => url.includes(code)), "the code is still in the history");

  const other = await tab.open({ address: ready.console });
  await other.getByText("This link was used before, or is older than 60 seconds.").waitFor();
  await other.getByRole("button", { name: "Sign in" }).waitFor();
  assert.ok(!other.url().includes(code), "the used code is still in the address");

  // The tab shows the console already, so that only the end of its address changes.
  const third = await tab.open();
  await third.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
  await third.evaluate((hash) => window.location.replace(hash), `#code=${code}`);
  await third.getByText("This link was used before, or is older than 60 seconds.").waitFor();
  assert.ok(!(await historyOf(third)).some((url) => url.includes(code)), "the code is in the history of the third tab");
});
