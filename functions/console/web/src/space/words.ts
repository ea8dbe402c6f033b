import type { Schemas } from "../api/client.ts";
import { about } from "../ui/time.tsx";

/** The limits of a space, in words. */
export const LIMITS: Readonly<Record<keyof Schemas["Limits"], string>> = {
  deletions_per_second: "Single deletions per second",
  deletions_per_second_per_profile: "Single deletions per second, on one profile",
  jobs_per_second: "Jobs and pages per second",
  dry_runs_per_second: "Dry runs per second",
  reads_per_second: "Reads per second, in each instance",
};

/** Settings that an operator may change, with the options of `efface admin space update`. */
export const CHANGES: readonly (readonly [what: string, ...options: string[]])[] = [
  ["Switch the deletion API on", "--activate"],
  ["Switch it off, and pause the jobs of the space", "--deactivate"],
  ["Let jobs of more than 1,000 rows wait for a second token", "--approval-over", "1000"],
  ["Let no job wait for a second token", "--approval-over", "none"],
  ["Allow 50 single deletions per second", "--deletions-per-second", "50"],
  ["Add an identifier type whose values match in any letter case", "--identifier-type", "NAME:lowercase"],
];

/** How long something is still valid, or that it is over. */
export function leftUntil(at: string, now: Date): string {
  const seconds = (Date.parse(at) - now.getTime()) / 1_000;
  return seconds > 0 ? `in ${about(seconds)}` : "it has expired";
}
