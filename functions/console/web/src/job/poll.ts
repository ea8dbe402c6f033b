import type { Schemas } from "../api/client.ts";

type Job = Schemas["Job"];

const QUICK_MS = 2_000;
const SLOW_MS = 10_000;

/** States that a job leaves by itself, soon or at a set time. */
const QUICK: ReadonlySet<Schemas["JobState"]> = new Set(["scheduled", "queued", "running", "pausing", "cancelling"]);

/** Whether nothing about a job changes any more by itself: its outcomes were counted again, or it was cancelled. */
export function isOver(job: Job): boolean {
  return job.state === "cancelled" || (job.state === "completed" && Boolean(job.verified_at));
}

/** After how long a job is to be asked for again; never where it is over. */
export function pollMs(job: Job | undefined): number | false {
  if (job === undefined) return SLOW_MS;
  if (isOver(job)) return false;
  return QUICK.has(job.state) ? QUICK_MS : SLOW_MS;
}

/** The same for a list of jobs: slowly, as long as one of them is not over. */
export function pollListMs(jobs: readonly Job[]): number | false {
  return jobs.every(isOver) ? false : SLOW_MS;
}
