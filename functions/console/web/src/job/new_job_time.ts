import { serverNow } from "../api/clock.ts";
import type { NewJobRequest } from "./new_job_request.ts";
import { isLate, UNDO_SECONDS } from "./start_at.ts";

/**
 * When a job starts whose rows are still to be sent, which took so long for the dry run, in milliseconds: late enough that
 * there is time to undo it once all rows are there.
 */
export function startAfterSending(sentMs: number, now = serverNow()): string {
  return new Date(now.getTime() + UNDO_SECONDS * 1_000 + 2 * sentMs).toISOString();
}

/** Whether there is still time to undo a job that is started now. A dry run deletes nothing. */
export function canBeUndone({ isDryRun, startAt }: NewJobRequest, now = serverNow()): boolean {
  return isDryRun || (startAt !== null && !isLate(startAt, now));
}
