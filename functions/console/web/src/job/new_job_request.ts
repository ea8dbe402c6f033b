import type { Schemas } from "../api/client.ts";
import { PAGE_ROWS } from "../rows/page.ts";

/** The job that is to be made of the rows of a file. */
export interface NewJobRequest {
  readonly action: Schemas["RowAction"];
  readonly isDryRun: boolean;
  readonly group: string | null;
  readonly maxDeletions: number | null;
  readonly startAt: string | null;
}

const MAX_START_DAYS = 30;
const DAY_MS = 86_400_000;

/** The longest label of a group. */
const MAX_GROUP = 128;

/**
 * The body of the request that makes a job, with these rows or open for pages. It is byte for byte that of `efface bulk`
 * (`cli/src/bulk/send.rs`), because an idempotency key stands for these bytes.
 */
export function createBody(request: NewJobRequest, rows: string, isOpen: boolean): string {
  const { action, group, maxDeletions, startAt, isDryRun } = request;
  const fields = {
    ...(group === null ? {} : { group }),
    ...(maxDeletions === null ? {} : { max_deletions: maxDeletions }),
    ...(startAt === null ? {} : { start_at: startAt }),
    ...(isDryRun ? { dry_run: true } : {}),
    ...(isOpen ? { open: true } : {}),
  };
  const others = JSON.stringify(fields).slice(1);
  return `{"action":"${action}","rows":${rows}${others === "}" ? "" : ","}${others}`;
}

/**
 * The words of the command that makes a job of a file. With the same file, pages and idempotency key it finishes the upload
 * of the same job.
 */
export function bulkCommand(request: NewJobRequest, fileName: string, key?: string): string[] {
  const { action, group, maxDeletions, startAt } = request;
  return [
    "bulk",
    ...fileWord(fileName),
    ...["--action", action, "--page-size", String(PAGE_ROWS)],
    ...(group === null ? [] : ["--group", group]),
    ...(maxDeletions === null ? [] : ["--max-deletions", String(maxDeletions)]),
    ...(startAt === null ? [] : ["--start-at", startAt]),
    ...(key === undefined ? [] : ["--idempotency-key", key]),
  ];
}

/** The words of the command that makes a dry run of its own. */
export function dryRunCommand(action: Schemas["RowAction"], fileName: string): string[] {
  return ["bulk", ...fileWord(fileName), "--action", action, "--dry-run"];
}

/** A file as a word of a command: no option, and not standard input. */
function fileWord(name: string): string[] {
  return [name.startsWith("-") ? `./${name}` : name];
}

/** What is wrong with the label of a group; null where nothing is. An empty text is no label. */
export function groupFault(label: string): string | null {
  if (label === "") return null;
  if (label.length > MAX_GROUP) return `A label has at most ${MAX_GROUP} characters.`;
  if (!/^[ -~]*$/.test(label)) return "A label has letters, digits, punctuation and spaces of ASCII only.";
  return label === label.trim() ? null : "A label has no spaces at its beginning or end.";
}

/** What is wrong with a number of deletions; null where nothing is. An empty text is none. */
export function limitFault(text: string): string | null {
  return /^(?:[1-9]\d{0,14})?$/.test(text.trim()) ? null : "Enter a whole number from 1 on, or nothing.";
}

/** What is wrong with a time at which a job is to start, as a field of date and time gives it. */
export function startFault(text: string, now: Date): string | null {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return "Enter a date and a time.";
  if (at <= now.getTime()) return "Enter a time that is still to come.";
  return at - now.getTime() > MAX_START_DAYS * DAY_MS ? `Enter a time of the next ${MAX_START_DAYS} days.` : null;
}
