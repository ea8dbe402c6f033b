import type { Job } from "./query.ts";
import { stateOf } from "./words.ts";

/** A job's state, and how it ended. Its colour says no more than the words. */
export function StateTag({ job }: { job: Job }) {
  return (
    <>
      <span className={`tag ${kindOf(job)}`}>{stateOf(job)}</span>
      {job.stopped && <small> by an operator</small>}
    </>
  );
}

function kindOf({ state, verdict, counts }: Job): string {
  if (state === "paused" || state === "pausing" || state === "awaiting_approval") return "warning";
  if (state !== "completed") return "";
  if ((counts.failed ?? 0) > 0) return "bad";
  return verdict === "complete" ? "good" : "warning";
}
