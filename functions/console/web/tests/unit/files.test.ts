import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const MOST_LINES = 250;
/** The types that are generated. */
const EXCEPTED = new Set([join("src", "api", "schema.d.ts")]);

/** What must not stand in the sources, and why. */
const FORBIDDEN: readonly [RegExp, string][] = [
  [/\bstyle\s*=/, "the Content Security Policy forbids style attributes"],
  [/dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|document\.write/, "text of others must not become markup"],
  [/\bindexedDB\b|document\.cookie/, "nothing of a session may outlive the tab"],
  [/\beval\s*\(|new Function\b|new Worker\b/, "the Content Security Policy forbids it"],
];

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !EXCEPTED.has(path));
}

test("no file is longer than people read", () => {
  const long = [...filesBelow("src"), ...filesBelow("tests")]
    .map((path) => `${path}: ${readFileSync(path, "utf8").split("\n").length - 1}`)
    .filter((line) => Number(line.split(": ")[1]) > MOST_LINES);
  assert.deepEqual(long, []);
});

test("the sources use nothing that leaks or that the policy forbids", () => {
  const found = filesBelow("src").flatMap((path) => {
    const text = readFileSync(path, "utf8");
    return FORBIDDEN.filter(([pattern]) => pattern.test(text)).map(([, why]) => `${path}: ${why}`);
  });
  assert.deepEqual(found, []);
});

test("what the browser keeps is kept in two places only: the session in the tab, and keys of logs, which are public", () => {
  const using = (storage: string) =>
    filesBelow("src").filter((path) => readFileSync(path, "utf8").includes(`${storage}.`));
  assert.deepEqual(using("sessionStorage"), [join("src", "session", "session.ts")]);
  assert.deepEqual(using("localStorage"), [join("src", "receipt", "pinned_keys.ts")]);
});
