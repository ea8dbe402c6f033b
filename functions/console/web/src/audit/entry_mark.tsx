import { Value } from "../ui/masked.tsx";
import type { Mark } from "./inclusion.ts";

const WORDS: Record<Mark["kind"], string> = {
  in_log: "In the log",
  unpublished: "Not yet published",
  late: "NOT IN THE LOG",
  bad: "DOES NOT MATCH",
};
const TAGS: Record<Mark["kind"], string> = { in_log: "good", unpublished: "", late: "warning", bad: "bad" };

const MEANINGS = {
  in_log: "The signed log has this entry, as it is shown here.",
  unpublished: "The log does not have it yet. It is published within a minute or so.",
  late: "The log does not have it, though it is older than ten minutes. It may be made up, or the log may be late.",
};

/** Whether an entry is in the signed log; nothing as long as that is not known. */
export function EntryMark({ mark }: { mark: Mark | undefined }) {
  if (mark === undefined) return <span className="tag">Not checked</span>;
  return <span className={`tag ${TAGS[mark.kind]}`}>{WORDS[mark.kind]}</span>;
}

/** What the mark means, in a sentence. */
export function MarkMeaning({ mark }: { mark: Mark | undefined }) {
  if (mark === undefined) return "It was not compared with the log.";
  if (mark.kind === "bad") return <Value text={mark.fault} />;
  return MEANINGS[mark.kind];
}
