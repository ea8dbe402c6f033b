import type { Schemas } from "../api/client.ts";

type Job = Schemas["Job"];

/** The states of jobs that are not over, in the order in which somebody wants to see them. */
export const LIVE_STATES = [
  "running",
  "queued",
  "pausing",
  "paused",
  "awaiting_approval",
  "scheduled",
  "open",
  "cancelling",
] as const satisfies readonly Schemas["JobState"][];

/** States in which a job waits for a person or for its turn. */
const WAITING: ReadonlySet<Schemas["JobState"]> = new Set(["queued", "paused", "awaiting_approval", "open"]);

/** Jobs that are not over, those that run first, and the newest of each state first. */
export function liveOf(jobs: readonly Job[]): Job[] {
  const order = new Map<Schemas["JobState"], number>(LIVE_STATES.map((state, place) => [state, place]));
  const placeOf = ({ state }: Job) => order.get(state) ?? -1;
  return jobs
    .filter((job) => placeOf(job) >= 0)
    .sort((a, b) => placeOf(a) - placeOf(b) || b.created_at.localeCompare(a.created_at));
}

/** The job that has waited for longest; null where none waits. */
export function oldestWaiting(jobs: readonly Job[]): Job | null {
  const waiting = jobs.filter(({ state }) => WAITING.has(state));
  return waiting.reduce<Job | null>(
    (oldest, job) => (oldest && oldest.created_at <= job.created_at ? oldest : job),
    null,
  );
}
