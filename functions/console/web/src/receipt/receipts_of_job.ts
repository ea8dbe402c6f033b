import { api } from "../api/client.ts";
import { orWait } from "../deletion/query.ts";
import { pausing, whenLogged } from "../deletion/receipt_wait.ts";
import { nextOfLink } from "../job/csv.ts";

const PAGE = 100;

/** Gets the receipts of all that a job has deleted, page by page, as lines. Waits where the log does not have them yet. */
export async function* receiptsOf(job: string, signal: AbortSignal): AsyncGenerator<string> {
  for (let next: string | null = ""; next !== null; ) {
    const params = { path: { job_id: job }, query: { limit: PAGE, next } };
    const { data, response } = await whenLogged(
      () => orWait<string>(api().GET("/deletion_jobs/{job_id}/receipts", { params, parseAs: "text", signal })),
      pausing(signal),
    );
    yield data;
    next = nextOfLink(response.headers.get("Link"));
  }
}
