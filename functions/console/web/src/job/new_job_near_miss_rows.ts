import type { Schemas } from "../api/client.ts";
import type { Form } from "../rows/change.ts";
import { nextOf } from "../ui/pages.tsx";
import type { NearMiss } from "./near_miss.tsx";
import { listOutcomes } from "./query.ts";

/** The forms that are offered for each, and what a row is in them. */
export const OFFERS: Record<NearMiss, readonly (readonly [Form, string])[]> = {
  other_case: [
    ["lower", "in lower case"],
    ["upper", "in upper case"],
  ],
  other_form: [["plain", "without blanks and invisible characters"]],
};

/** How many rows that are not found are looked through. */
export const MOST = 20_000;

/** The numbers in the file, from 1, of the rows of a dry run that are such near misses. */
export async function nearMissRows(
  job: string,
  kind: NearMiss,
  rowAt: (page: number, row: number) => number | null,
  signal: AbortSignal,
  onSeen: (rows: number) => void,
): Promise<Set<number>> {
  const found = new Set<number>();
  let seen = 0;
  for (let next: string | undefined = ""; next !== undefined; ) {
    const page: Schemas["Outcomes"] = await listOutcomes(job, "not_found", next, signal);
    for (const { page: number, row, code } of page.data) {
      const at = code === kind ? rowAt(number, row) : null;
      if (at !== null) found.add(at);
    }
    seen += page.data.length;
    onSeen(seen);
    next = nextOf(page);
  }
  return found;
}
