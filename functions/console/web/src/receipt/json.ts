import { check, DoesNotHold } from "./fault.ts";

/** The tokens of JSON. A string is one with its quotes. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

/** Reads JSON in which no object has a member twice: else two readers could see two things in it. */
export function readJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DoesNotHold(`${what} is not JSON.`);
  }
  check(!hasRepeats(text), `A member stands twice in ${what.toLowerCase()}.`);
  return value;
}

/** Whether an object in a text, which is JSON, has a member twice. */
function hasRepeats(text: string): boolean {
  const tokens = text.match(TOKEN) ?? [];
  // The names of each object that is open; null of an array.
  const open: (Set<string> | null)[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (tokens[at + 1] === ":") {
      const names = open.at(-1);
      const name: string = JSON.parse(token);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
