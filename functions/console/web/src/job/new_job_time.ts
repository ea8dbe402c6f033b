import { serverNow } from "../api/clock.ts";
import type { NewJobRequest } from "./new_job_request.ts";
import { UNDO_SECONDS } from "./start_at.ts";

/** With less time to undo it, a job is not started by itself. */
const LEAST_UNDO_MS = UNDO_SECONDS * 500;

/**
 * When a job starts whose rows are still to be sent, which took so long for the dry run, in milliseconds: late enough that
 * there is time to undo it once all rows are there.
 */
export function startAfterSending(sentMs: number, now = serverNow()): string {
  return new Date(now.getTime() + UNDO_SECONDS * 1_000 + 2 * sentMs).toISOString();
}

/** Whether there is still time to undo a job that is started now. A dry run deletes nothing. */
export function canBeUndone({ isDryRun, startAt }: NewJobRequest, now = serverNow()): boolean {
  return isDryRun || (startAt !== null && Date.parse(startAt) - now.getTime() >= LEAST_UNDO_MS);
}

/** Waits, unless it is stopped. */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
