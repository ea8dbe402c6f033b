import { serverNow } from "../api/clock.ts";

/** For how long a confirmed deletion of many can be undone, in seconds. */
export const UNDO_SECONDS = 60;

/** With less time left to undo it, a request that may not have arrived is not sent again. */
const LEAST_MS = 15_000;

/**
 * When a job that is confirmed now starts: a minute ahead by the server's clock. Until then it waits in the service, and
 * cancelling it deletes nothing. It starts also when the page is closed. A repetition of a request names the same time: the
 * API takes the same request under a key only.
 */
export function soon(now = serverNow()): string {
  return new Date(now.getTime() + UNDO_SECONDS * 1_000).toISOString();
}

/** When a job starts that has a time of its own, which may be later. */
export function laterOf(startAt: string, own: string | null | undefined): string {
  return own && Date.parse(own) > Date.parse(startAt) ? own : startAt;
}

/** For how long a request can still arrive so that there is time to undo what starts then, in milliseconds. */
export function undoableMs(startAt: string, now = serverNow()): number {
  return Date.parse(startAt) - now.getTime() - LEAST_MS;
}

/** Ends when a request would arrive too late for that: on a slow line it may be on its way for long. */
export function untilLate(startAt: string): AbortSignal {
  return AbortSignal.timeout(Math.max(0, undoableMs(startAt)));
}

/** Whether a time is so near, or over, that there would be no time to undo what starts then. */
export function isLate(startAt: string, now = serverNow()): boolean {
  return undoableMs(startAt, now) < 0;
}
