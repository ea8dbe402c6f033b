import type { Schemas } from "../api/client.ts";
import { number, plural } from "../ui/time.tsx";
import type { Checked, CheckedList } from "./source.ts";
import type { Proved } from "./verify.ts";

/** Whom an entry is about, as far as its receipt tells. */
type About = "verified" | "not_checked" | "keyed" | "profile" | "nobody";

export function aboutOf({ entry, identifier }: Proved): About {
  if (identifier !== null) return "verified";
  if (entry.subject === undefined || entry.subject === null) return "nobody";
  if (entry.subject_kind === "keyed" || entry.subject_kind === "profile") return entry.subject_kind;
  return "not_checked";
}

/** Whether an entry is about a job as a whole. */
export function isOfJob({ entry }: Proved): boolean {
  return String(entry.event).startsWith("job.");
}

/** What must be said first of an entry that is no deletion; null of one that is. */
export function warningOf(proved: Proved): string | null {
  const { event, reason } = proved.entry;
  if (event === "identifier.removed" || event === "profile.deleted") return null;
  if (isOfJob(proved) && reason === "dry_run") return "This is a receipt for a dry run: it deleted nothing.";
  if (isOfJob(proved)) return "This is a receipt for an event of a job, not for a single deletion.";
  return "This is no receipt for a deletion.";
}

const NOT_ABOUT: Record<Exclude<About, "verified">, string> = {
  not_checked: "Whom the entry is about: no value was checked. Enter the identifier, and check again.",
  keyed: "Whom the entry is about: it is from before commitments. Only the operator can tie it to a value.",
  profile: "Which person the entry is about. The receipts of the profile's identifiers can be tied to values.",
  nobody: "Anything about a single person: the entry names nobody.",
};

/** What a receipt that holds proves, and what it does not. */
export function provedBy(proved: Proved): { proved: string[]; notProved: string[] } {
  const { entry, key, size } = proved;
  const about = aboutOf(proved);
  return {
    proved: [
      `The key ${key.id} has signed that this entry was in the log when the log had ${size} entries.`,
      "Not a byte of the entry was changed since.",
      ...(about === "verified"
        ? [`It is about the ${String(entry.id_type)} that you entered, and about no other.`]
        : []),
    ],
    notProved: [
      ...(about === "verified" ? [] : [NOT_ABOUT[about]]),
      ...(entry.event === "identifier.removed" ? ["That the identifier did not come back later."] : []),
      "That the operator did what the entry says. A log keeps what was written, and nobody can take it back.",
      "That everybody is shown the same log. Only who compares its signed heads can tell.",
    ],
  };
}

/** Which sizes of the log a key has signed, or may sign. */
export function signedSizes({ from, to }: Schemas["LogKeyUse"]): string {
  if (to !== null && to !== undefined)
    return `Has signed the log from ${plural(from, "entry", "entries")} to ${number(to)}`;
  return from > 1 ? `Signs the log since it had ${number(from)} entries` : "Signs the log";
}

/** What was found out about a list, in a few words. */
export function titleOf({ lines, holding, entries, isStopped }: CheckedList): string {
  if (lines === 0) return isStopped ? "Stopped before the first receipt" : "The list is empty";
  const which = isStopped ? `Stopped: of the first ${plural(lines, "receipt")}` : `Of ${plural(lines, "receipt")}`;
  const failing = lines - holding;
  if (failing > 0) return `${which}, ${number(failing)} ${failing === 1 ? "does" : "do"} not hold`;
  if (entries.size < lines)
    return `${which}, all hold, but only ${plural(entries.size, "entry", "entries")} are different`;
  return isStopped ? `${which}, all hold` : lines === 1 ? "The receipt holds" : `All ${plural(lines, "receipt")} hold`;
}

/** The same of all that was checked, for screen readers. */
export function told(results: readonly Checked[]): string {
  const [holding, bad] = ["holds", "fault"].map((kind) => results.filter((checked) => checked.kind === kind).length);
  const lists = results.flatMap((checked) => (checked.kind === "list" ? [`${titleOf(checked.list)}.`] : []));
  const parts = [
    holding ? `${plural(holding, "receipt")} ${holding === 1 ? "holds" : "hold"}.` : "",
    bad ? `${plural(bad, "receipt")} ${bad === 1 ? "does" : "do"} not hold.` : "",
    ...lists,
  ];
  return parts.filter(Boolean).join(" ");
}
