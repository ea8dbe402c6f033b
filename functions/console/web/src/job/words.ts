import type { Schemas } from "../api/client.ts";
import { about, number, plural } from "../ui/time.tsx";

type Job = Schemas["Job"];
type Outcome = Schemas["Outcome"];

/** A job's states, in the order of its life. */
export const STATES: Readonly<Record<Schemas["JobState"], string>> = {
  open: "Open",
  awaiting_approval: "Awaits approval",
  scheduled: "Scheduled",
  queued: "Queued",
  running: "Running",
  pausing: "Pausing",
  paused: "Paused",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
  completed: "Completed",
};

/** A job's state, and of one that is completed how it ended, in few words. */
export function stateOf({ state, verdict, counts }: Job): string {
  if (state !== "completed") return STATES[state];
  if ((counts.failed ?? 0) > 0) return `${number(counts.failed ?? 0)} failed`;
  if (verdict === "nothing_matched") return "Nothing matched";
  return verdict === "partial" ? "Completed in part" : STATES.completed;
}

/** The outcomes, in the order in which they are told. */
export const OUTCOMES = [
  "deleted",
  "duplicate",
  "not_found",
  "invalid",
  "protected",
  "failed",
  "changed",
] as const satisfies readonly Outcome[];

const ACTIONS: Record<Schemas["Action"], string> = {
  delete_profile: "Delete profiles",
  delete_identifier: "Delete identifiers",
  delete_segment: "Delete the users of a segment",
};

/** What an outcome means, below its name. */
const MEANINGS: Record<Outcome, string> = {
  deleted: "This row deleted it.",
  duplicate: "Another row of the job, or of its group, deletes the same.",
  not_found: "There is nothing to delete.",
  invalid: "The row cannot be read.",
  protected: "A profile that has a user_id keeps one.",
  failed: "It could not be done, and can be tried again.",
  changed: "The profile is not as the plan found it. It was left alone.",
};

/** What a job does, in words. */
export function actionOf({ action, dry_run }: Pick<Job, "action" | "dry_run">): string {
  return dry_run ? `Dry run: ${ACTIONS[action].toLowerCase()}` : ACTIONS[action];
}

/** What each row deletes, counted. */
export function targets({ action }: Pick<Job, "action">, count: number): string {
  return plural(count, action === "delete_identifier" ? "identifier" : "profile");
}

/** The word for an outcome. A dry run deletes nothing. */
export function outcomeWord(outcome: Outcome, isDryRun: boolean): string {
  if (outcome === "deleted" && isDryRun) return "would be deleted";
  return outcome.replace("_", " ");
}

/** What an outcome means. */
export function outcomeMeaning(outcome: Outcome, isDryRun: boolean): string {
  if (outcome === "deleted" && isDryRun) return "The job would delete it.";
  return MEANINGS[outcome];
}

/** Rows that have their outcome. */
export function doneOf({ rows, remaining }: Pick<Job, "rows" | "remaining">): number {
  return Math.max(0, rows - remaining);
}

/** The same in tenths, from 0 to 10. */
export function tenthsOf(job: Pick<Job, "rows" | "remaining">): number {
  return job.rows > 0 ? Math.floor((doneOf(job) * 10) / job.rows) : 0;
}

/** Outcomes that occur, with their numbers: "398,114 deleted". */
export function outcomesTold(counts: Schemas["Counts"], isDryRun: boolean): string[] {
  return OUTCOMES.filter((outcome) => (counts[outcome] ?? 0) > 0).map(
    (outcome) => `${number(counts[outcome] ?? 0)} ${outcomeWord(outcome, isDryRun)}`,
  );
}

/** How far a job is, in one sentence: "412,310 of 1,000,000 rows · 398,114 deleted · about 6 minutes left". */
export function progressOf(job: Job, now: Date): string {
  const told = outcomesTold(job.counts, job.dry_run);
  const left = timeLeft(job, now);
  const parts = [...leading(job), rowsOf(job), ...told, left === null ? "" : `${left} left`, remark(job)];
  return parts.filter((part) => part !== "").join(" · ");
}

/** The state, unless the numbers tell that it is running, and what the job is at. */
function leading(job: Job): string[] {
  const state = job.state === "running" ? [] : [STATES[job.state]];
  const isMoving = job.state === "queued" || job.state === "running";
  return isMoving && job.phase ? [...state, phaseOf(job)] : state;
}

/** What a job that makes its rows itself is at; empty while it deletes. */
function phaseOf({ phase, segment_id }: Job): string {
  switch (phase) {
    case "waiting":
      return "waits for its turn, because a space empties one segment at a time";
    case "preparing":
      return segment_id ? "Listing the members of the segment" : "Preparing the rows that the plan found";
    case "sweeping":
      return "Looking for members that are left";
    case "settling":
      return "Nobody is left: waiting before the last look";
    default:
      return "";
  }
}

/** Whether nothing of a job was carried out, and nothing is. */
export function isBefore({ state }: Job): boolean {
  return state === "open" || state === "awaiting_approval" || state === "scheduled";
}

function rowsOf(job: Job): string {
  if (job.rows === 0 && job.expected_members) return `about ${plural(job.expected_members, "member")}`;
  if (job.rows === 0 && job.plan_job_id && isBefore(job)) return "its rows are made when it starts";
  if (job.rows === 0) return isBefore(job) ? "no rows yet" : "no rows";
  if (isBefore(job)) return plural(job.rows, "row");
  return `${number(doneOf(job))} of ${plural(job.rows, "row")}`;
}

/** How long a running job goes on, at its speed: "about 6 minutes". */
export function timeLeft({ state, estimated_finish_at }: Job, now: Date): string | null {
  if (state !== "running" || !estimated_finish_at) return null;
  const seconds = (Date.parse(estimated_finish_at) - now.getTime()) / 1_000;
  return about(Math.max(0, seconds));
}

function remark({ state, remaining, dry_run }: Job): string {
  if (state === "cancelled" && remaining > 0) return `${number(remaining)} not carried out`;
  if (state === "awaiting_approval" && !dry_run) return "nothing is deleted before it is approved";
  if (state === "scheduled" && !dry_run) return "nothing is deleted before it starts";
  return "";
}

/** The text of the tab. */
export function tabOf(job: Job): string {
  const percent = job.rows > 0 ? Math.floor((doneOf(job) * 100) / job.rows) : 0;
  return `${job.state === "running" ? `${percent} %` : stateOf(job)} · ${actionOf(job)}`;
}

/** How a job ended, in a sentence; null while it has not. */
export function verdictOf(job: Job): string | null {
  const would = job.dry_run;
  switch (job.verdict) {
    case "complete":
      return `Everything that its rows name ${would ? "would be deleted, or is not there" : "is deleted, or was not there"}.`;
    case "nothing_matched":
      return `No row matched anything: nothing ${would ? "would be" : "was"} deleted.`;
    case "stopped":
      return job.started_at
        ? "It was cancelled before its end."
        : "It was cancelled before it started: nothing was deleted.";
    case "partial":
      return `Some ${would ? "could not be planned" : "were not carried out"}: ${undone(job).join(", ")}.`;
    default:
      return null;
  }
}

/** What was not carried out of a job, counted. */
function undone({ counts, members_left }: Job): string[] {
  const kinds = ["failed", "protected", "changed", "invalid"] as const;
  const rows = kinds
    .filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => `${plural(counts[kind] ?? 0, "row")} ${kind}`);
  return members_left ? [...rows, `${plural(members_left, "member")} left in the segment`] : rows;
}

/** What screen readers are to say of a job's news: a change of its state, and every tenth of its rows. */
export function newsOf(before: Job, now: Job): string | null {
  if (before.state !== now.state) {
    const verdict = verdictOf(now);
    return `${actionOf(now)}: ${STATES[now.state]}.${verdict === null ? "" : ` ${verdict}`}`;
  }
  if (before.phase !== now.phase && now.phase && now.phase !== "deleting") return `${phaseOf(now)}.`;
  return tenthsOf(now) > tenthsOf(before) ? `${tenthsOf(now) * 10} % of the rows are done.` : null;
}
