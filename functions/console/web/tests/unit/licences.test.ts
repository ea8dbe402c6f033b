import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { licencesOf } from "../../licences.ts";

const of = (path: string) => resolve("node_modules", path);

test("each package is named once with its version and its licence, by name", () => {
  const modules = [
    of("react-dom/client.js"),
    of("@tanstack/query-core/build/modern/query.js"),
    of("react/index.js"),
    of("react/cjs/react.production.js"),
    "\0rolldown/runtime.js",
    resolve("src/main.tsx"),
  ];
  const text = licencesOf(modules);
  const names = [...text.matchAll(/^(\S+) \d+\.\d+\.\d+$/gm)].map(([, name]) => name);
  assert.deepEqual(names, ["@tanstack/query-core", "react", "react-dom", "rolldown"]);
  const react = JSON.parse(readFileSync("node_modules/react/package.json", "utf8"));
  const licence = readFileSync("node_modules/react/LICENSE", "utf8").trim();
  assert.ok(text.includes(`\nreact ${react.version}\n\n${licence}\n`));
  assert.equal(licencesOf(modules.toReversed()), text);
  assert.ok(!text.includes(resolve(".")), "no path of this machine");
});

test("a package without a licence text is an error", () => {
  assert.throws(() => licencesOf([of("change-case/dist/index.js")]), /change-case has no licence text/);
  assert.match(licencesOf([resolve("src/main.tsx")]), /^The script of the console/);
});
