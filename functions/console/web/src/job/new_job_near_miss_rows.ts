import type { Schemas } from "../api/client.ts";
import { api, body } from "../api/client.ts";
import type { Form } from "../rows/change.ts";

/** Rows that a dry run does not find as they are written, but would find in another case or form. */
export type NearMiss = "other_case" | "other_form";

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

const PAGE = 100;

/** The numbers in the file, from 1, of the rows of a dry run that are such near misses. */
export async function nearMissRows(
  space: string,
  job: string,
  kind: NearMiss,
  rowAt: (page: number, row: number) => number | null,
  signal: AbortSignal,
  onSeen: (rows: number) => void,
): Promise<Set<number>> {
  const found = new Set<number>();
  let [next, seen] = ["", 0];
  do {
    const page = await notFound(space, job, next, signal);
    for (const { page: number, row, code } of page.data) {
      const at = code === kind ? rowAt(number, row) : null;
      if (at !== null) found.add(at);
    }
    seen += page.data.length;
    onSeen(seen);
    next = page.cursor.has_more ? page.cursor.next : "";
  } while (next !== "");
  return found;
}

async function notFound(space: string, job: string, next: string, signal: AbortSignal): Promise<Schemas["Outcomes"]> {
  const query = { outcome: "not_found" as const, limit: PAGE, ...(next && { next }) };
  const path = { space_id: space, job_id: job };
  const sent = api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes", { params: { path, query }, signal });
  // Only a request that accepts CSV gets a text.
  return (await body(sent)) as Schemas["Outcomes"];
}
