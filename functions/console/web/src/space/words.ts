import type { Schemas } from "../api/client.ts";

/** What a permission allows, in words. */
export const PERMISSIONS: Readonly<Record<Schemas["Permission"], string>> = {
  delete_identifiers: "Delete identifiers, also in jobs",
  delete_profiles: "Delete profiles, also in jobs",
  read_profiles: "Read profiles",
  read_deletions: "Read the records of deletions",
  read_jobs: "Read the jobs of others",
  read_segments: "Read segments and their members",
  manage_segments: "Change segments, and delete their users",
  read_audit_log: "Read the audit log, and get receipts",
};

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

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** How long something is still valid: "in 2 hours", "in 5 minutes", or that it is over. */
export function leftUntil(at: string, now: Date): string {
  const seconds = (Date.parse(at) - now.getTime()) / 1_000;
  if (seconds <= 0) return "it has expired";
  for (const [unit, length] of UNITS) {
    if (seconds < length) continue;
    const count = Math.floor(seconds / length);
    return `in ${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "in less than a minute";
}
