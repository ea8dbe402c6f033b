import type { Schemas } from "../api/client.ts";

type Job = Pick<Schemas["Job"], "counts" | "rows" | "remaining">;

/** A number of the plan beside that of the result. */
export interface ComparedLine {
  name: string;
  /** Null where a plan cannot foresee it. */
  plan: number | null;
  /** Null before the job has rows. */
  result: number | null;
}

/** What was planned, and what became of it. Each row of the executing job is a profile that the plan found. */
export function comparisonOf(plan: Job, job: Job): ComparedLine[] {
  const { deleted = 0, changed = 0, not_found = 0, duplicate = 0, failed = 0 } = job.counts;
  const others: ComparedLine[] = [
    { name: "Left alone: changed since the plan", plan: null, result: changed },
    { name: "Gone already when the job came to them", plan: null, result: not_found },
    { name: "Deleted by another job of the group", plan: null, result: duplicate },
    { name: "Failed", plan: null, result: failed },
    { name: "Not reached yet", plan: null, result: job.remaining },
  ];
  return [
    { name: "Deleted", plan: plan.counts.deleted ?? 0, result: job.rows === 0 ? null : deleted },
    ...others.filter(({ result }) => result !== 0),
  ];
}
