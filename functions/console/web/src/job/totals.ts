import type { Schemas } from "../api/client.ts";
import { OUTCOMES } from "./words.ts";

/** What jobs add up to. */
export interface Totals {
  jobs: number;
  rows: number;
  remaining: number;
  counts: Schemas["Counts"];
  /** Whether these are all jobs that match. */
  isComplete: boolean;
}

/**
 * What the jobs of a list add up to. Each page has the sums over all of them, except in the list of one's own jobs, where
 * each has those of its own.
 */
export function sumOf(pages: readonly Schemas["JobList"][], isMine: boolean): Totals | null {
  const first = pages[0];
  if (first === undefined) return null;
  if (!isMine) return { ...first, isComplete: first.is_complete };
  const sum = (of: (page: Schemas["JobList"]) => number) => pages.reduce((all, page) => all + of(page), 0);
  return {
    jobs: sum(({ jobs }) => jobs),
    rows: sum(({ rows }) => rows),
    remaining: sum(({ remaining }) => remaining),
    counts: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, sum(({ counts }) => counts[outcome] ?? 0)])),
    isComplete: pages.at(-1)?.cursor.has_more === false,
  };
}
