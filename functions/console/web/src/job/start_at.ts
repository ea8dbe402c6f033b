import { serverNow } from "../api/clock.ts";

/** For how long a confirmed deletion of many can be undone, in seconds. */
export const UNDO_SECONDS = 60;

/** The time that a request was last given, by its `Idempotency-Key`. */
let given: { key: string; at: string } | null = null;

/**
 * When a job that is confirmed now starts: a minute ahead by the server's clock. Until then it waits in the service, and
 * cancelling it deletes nothing. It starts also when the page is closed. A repetition of a request, under its key, names
 * the same time: the API takes the same request under a key only.
 */
export function startAt(key?: string): string {
  if (key !== undefined && given?.key === key) return given.at;
  const at = new Date(serverNow().getTime() + UNDO_SECONDS * 1_000).toISOString();
  if (key !== undefined) given = { key, at };
  return at;
}
