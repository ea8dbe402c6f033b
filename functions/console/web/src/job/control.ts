import type { Schemas } from "../api/client.ts";
import { type Permission, type Reason, reason, SWITCHED_OFF } from "../session/permission.ts";
import { number, plural } from "../ui/time.tsx";
import { UNDO_SECONDS } from "./start_at.ts";
import { isBefore, targets } from "./words.ts";

type Job = Schemas["Job"];

/** What can be asked of a job. The states that allow it mirror `functions/core/src/job/state.rs`. */
export type Control = "start" | "approve" | "reject" | "pause" | "resume" | "cancel" | "redrive" | "execute";

/** A control that fits the job's state, and why the session may not use it; null where it may. */
export interface Offer {
  control: Control;
  reason: Reason;
}

const DAY_MS = 86_400_000;

/** For how long after its start the rows of a job are kept for another try, in days. */
const LIFE_DAYS = 50;

/** For how long a plan can be executed, in days. */
const PLAN_DAYS = 7;

const CONTROLS: Record<Schemas["JobState"], readonly Control[]> = {
  open: ["start", "cancel"],
  awaiting_approval: ["approve", "reject", "cancel"],
  scheduled: ["cancel"],
  queued: ["pause", "cancel"],
  running: ["pause", "cancel"],
  pausing: ["resume", "cancel"],
  paused: ["resume", "cancel"],
  cancelling: [],
  cancelled: [],
  completed: ["redrive", "execute"],
};

/** What is taken also where deletions are switched off. */
const HARMLESS: readonly Control[] = ["pause", "cancel", "reject"];

const PERMISSIONS: Record<Schemas["Action"], Permission> = {
  delete_profile: "delete_profiles",
  delete_identifier: "delete_identifiers",
  delete_segment: "manage_segments",
};

/** What a token needs to make jobs like this, and to control those of others. */
export function permissionFor({ action }: Pick<Job, "action">): Permission {
  return PERMISSIONS[action];
}

/** The controls of a job as it is now. Who made a job may always control it, but not approve it. */
export function controlsOf(job: Job, { token, space }: Schemas["TokenBody"], now: Date): Offer[] {
  const needed = permissionFor(job);
  const isOwn = job.created_by === token.id;
  const roleReason = isOwn || token.permissions.includes(needed) ? null : reason(token.role, needed);
  const reasonOf = (control: Control) =>
    space.activated || HARMLESS.includes(control) ? jobReason(control, job, isOwn, now) : SWITCHED_OFF;
  return CONTROLS[job.state]
    .filter((control) => fits(control, job, isOwn))
    .map((control) => ({ control, reason: roleReason ?? reasonOf(control) }));
}

/** Whether a job has anything for a control. One that awaits its approval is cancelled by its maker, and rejected by others. */
function fits(control: Control, job: Job, isOwn: boolean): boolean {
  if (control === "redrive") return (job.counts.failed ?? 0) > 0;
  if (control === "execute") return job.dry_run;
  if (job.state !== "awaiting_approval") return true;
  return control === "approve" || (control === "cancel") === isOwn;
}

function jobReason(control: Control, job: Job, isOwn: boolean, now: Date): Reason {
  const isOlder = (since: string | null | undefined, days: number) =>
    Boolean(since) && now.getTime() - Date.parse(since ?? "") > days * DAY_MS;
  if (control === "approve" && isOwn) return "Your token made this job: somebody with another token must approve it.";
  if (control === "redrive" && isOlder(job.started_at, LIFE_DAYS)) {
    return `The job was started more than ${LIFE_DAYS} days ago: its rows are about to expire. Send the rows as a new job.`;
  }
  if (control !== "execute") return null;
  if (job.action === "delete_identifier") return "A dry run of identifiers cannot be executed. Make a job of its rows.";
  if (isOlder(job.finished_at, PLAN_DAYS)) return `The plan is more than ${PLAN_DAYS} days old. Make a new dry run.`;
  return (job.counts.deleted ?? 0) === 0 ? "The plan found nothing to delete." : null;
}

/** Whether a control lets a job delete what was not going to be deleted: it needs somebody's consent. */
export function isDeletion(control: Control, { dry_run }: Pick<Job, "dry_run">): boolean {
  if (control === "execute") return true;
  return !dry_run && (control === "start" || control === "approve" || control === "redrive");
}

/** Whether the deletions that a control begins wait, so that they can be undone. Redrive repeats what was confirmed before. */
export function isTimed(control: Control, job: Pick<Job, "dry_run">): boolean {
  return control !== "redrive" && isDeletion(control, job);
}

/** What a control is called, and what it will and won't do. */
export interface Told {
  name: string;
  will: string;
  wont: string;
}

/** What a control will and won't do with a job, said before it is pressed. */
export function told(
  control: Control,
  job: Job,
  now: Date,
  { approval_over }: Pick<Schemas["SpaceDetails"], "approval_over"> = {},
): Told {
  const deleted = job.counts.deleted ?? 0;
  const remaining = plural(job.remaining, "row");
  switch (control) {
    case "start":
      return {
        name: "Start",
        will: `It ${begins(job, now)}${typeof approval_over === "number" && !job.dry_run ? ", or waits for an approval" : ""}, with ${remaining}.${undo(job)}`,
        wont: "It takes no more rows.",
      };
    case "approve":
      return {
        name: "Approve",
        will: `It ${begins(job, now)}, and ${job.dry_run ? "plans" : "deletes"} ${upTo(job)}.${undo(job)} Your approval holds for 7 days.`,
        wont: `Nobody else is asked again${job.segment_id ? ", unless the segment has other members by then" : ""}.`,
      };
    case "reject":
      return { name: "Reject", will: "The job is cancelled for good.", wont: "It deletes nothing." };
    case "pause":
      return {
        name: "Pause",
        will: "Rows that are being carried out are finished: it stops within 100 rows or a second.",
        wont: kept(job, deleted, "Nothing is lost: it can be resumed."),
      };
    case "resume":
      return {
        name: "Resume",
        will: `The other ${remaining} are carried out.${again(job)}`,
        wont: "No row is carried out twice.",
      };
    case "cancel":
      return isBefore(job)
        ? {
            name: job.state === "scheduled" ? "Undo" : "Cancel job",
            will: "The job is cancelled for good.",
            wont: "It deletes nothing.",
          }
        : {
            name: "Cancel job",
            will: `No further row is carried out: ${remaining} stay without an outcome.`,
            wont: kept(job, deleted, "It cannot be resumed."),
          };
    case "redrive":
      return {
        name: "Redrive",
        will: `${plural(job.counts.failed ?? 0, "failed row")} ${job.counts.failed === 1 ? "is" : "are"} tried again at once.`,
        wont: `All other rows keep their outcome.${job.dry_run ? "" : " There is no time to undo it, but it can be paused and cancelled."}`,
      };
    case "execute":
      return {
        name: "Execute plan",
        will: `A new job deletes what this dry run found: ${targets(job, deleted)}. It can be undone until it starts.`,
        wont: "It deletes nobody else.",
      };
  }
}

/** Whether a job has a time of its own that is still to come, and later than a confirmation now gives it. */
function waits({ start_at, dry_run }: Job, now: Date): boolean {
  return Date.parse(start_at ?? "") > now.getTime() + (dry_run ? 0 : UNDO_SECONDS * 1_000);
}

function begins(job: Job, now: Date): string {
  if (waits(job, now)) return "waits for its time, then starts";
  if (job.dry_run) return "starts at once";
  return `starts ${UNDO_SECONDS} seconds after you confirm${job.segment_id ? " or later, when it has its turn" : ""}`;
}

function undo({ dry_run }: Job): string {
  return dry_run ? "" : " You can undo it until then.";
}

function upTo(job: Job): string {
  if (job.segment_id && job.expected_members) return `the ${plural(job.expected_members, "member")} of its segment`;
  return `up to ${targets(job, job.remaining)}`;
}

function kept({ dry_run, segment_id, started_at }: Job, deleted: number, rest: string): string {
  const stays = dry_run || deleted === 0 ? "" : ` What was deleted stays deleted: ${number(deleted)} so far.`;
  const isDisabled = segment_id && started_at && !dry_run;
  return `${rest}${stays}${isDisabled ? " The segment stays disabled." : ""}`;
}

function again({ max_deletions }: Job): string {
  return max_deletions ? ` It pauses again after ${plural(max_deletions, "more deletion", "more deletions")}.` : "";
}
