/**
 * Makes the README's picture of the console, `docs/console.png`, of the built files and the fake API.
 *
 *     npm run picture
 */
import { fileURLToPath } from "node:url";
import { launch } from "./browser/chromium.mjs";
import { startService } from "./browser/service.mjs";

const PICTURE = fileURLToPath(new URL("../../../../docs/console.png", import.meta.url));

process.env.EFFACE_CONSOLE_FAKE = "--built";
const { ready, stop } = await startService();
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1_200, height: 720 }, colorScheme: "light" });
  await page.goto(`${ready.url}/console/index.html#/profiles`);
  await page.getByLabel("Space").fill("spa_demo");
  await page.getByLabel("Token", { exact: true }).fill("eff_workspace_owner");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Type").selectOption("user_id");
  await page.getByLabel("Value").fill("user_001");
  await page.getByRole("button", { name: "Look up" }).click();
  await page
    .getByRole("row", { name: /^email/ })
    .getByRole("button", { name: /^Delete/ })
    .first()
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Confirm Delete" }).waitFor();
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  await stop();
}
