import { totalOf } from "./job.mjs";
import { time } from "./space.mjs";

const CAUSED = {
  "paused max_deletions": "The job was paused, because it has reached its max_deletions.",
  "paused operator": "The job was paused, because an operator stopped deletions.",
  "resumed operator": "The job was resumed, because an operator let deletions go on.",
  "cancelled abandoned": "The job was cancelled, because it waited or went on for too long.",
  "cancelled operator": "An operator cancelled the job.",
  "cancelled incomplete_plan":
    "The job was cancelled, because not all of what the plan found is there; make a new dry run.",
  "cancelled segment_gone": "The job was cancelled, because its segment was deleted, or has another job.",
};

const TEXTS = {
  created: () => "The job was created.",
  awaiting_approval: ({ rows, cause }) =>
    cause === "members_changed"
      ? `The segment has ${rows} members, which is not what was expected or approved: the job waits until somebody other than its maker approves it.`
      : `The job has ${rows} rows, with those of its group too many for one person: it waits until somebody other than its maker approves it.`,
  approved: () => "The job was approved.",
  rejected: () => "The job was rejected.",
  scheduled: ({ start_at }) => `The job waits until ${time(start_at)}, and can be cancelled before.`,
  started: ({ rows }) => `The job was started, with ${rows} rows.`,
  progress: ({ rows, counts }) => `${totalOf(counts)} of ${rows} rows have an outcome.`,
  sweep: ({ sweep: { added, removed, left } }) =>
    `The segment was looked through: ${added} members are to be deleted, ${removed} memberships of deleted profiles were removed, ${left} members stay.`,
  paused: () => "The job was paused.",
  resumed: () => "The job was resumed.",
  redriven: () => "The failed rows are tried again.",
  cancelled: () => "The job was cancelled.",
  completed: ({ rows }) => `Every row of ${rows} has its outcome.`,
  verified: () => "The outcomes were read again and add up to the counts.",
};

/** An event of a job as the API shows it. */
export function eventBody(job, event) {
  const { at, kind, token_id, cause, rows, counts, sweep } = event;
  const said = CAUSED[`${kind} ${cause}`] ?? TEXTS[kind](event);
  const dry = said.startsWith("The job ") ? said.replace("The job ", "The dry run ") : `Dry run: ${said}`;
  return { at: time(at), kind, token_id, text: job.dry_run ? dry : said, cause, rows, counts, sweep };
}
