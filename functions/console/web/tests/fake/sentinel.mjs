import { setTimeout as wait } from "node:timers/promises";
import { Problem, unauthorized, unavailable } from "./problem.mjs";

const SLOW_MS = 3_000;
/** How many requests of a token `spa_expires` answers after each sign-in. */
const EXPIRES_AFTER = 9;

const counts = new Map();

/** What the space of a request does beside answering: some are slow, some fail. Signing in always works. */
export async function spoil({ id }, { token }, isSignIn, method) {
  if (id === "spa_slow") await wait(SLOW_MS);
  if (isSignIn) {
    counts.set(token, 0);
    return;
  }
  if (id === "spa_503" && method === "GET") throw unavailable();
  if (id === "spa_forbidden") throw new Problem(403, "forbidden", "The token's role may not do anything here.");
  if (id !== "spa_expires") return;
  counts.set(token, (counts.get(token) ?? 0) + 1);
  if (counts.get(token) > EXPIRES_AFTER) throw unauthorized();
}
