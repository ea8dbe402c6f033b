import { answered, api } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { pausing, whenLogged } from "../deletion/receipt_wait.ts";
import { nextOfLink } from "../job/csv.ts";

const PAGE = 100;

/** Gets the receipts of all that a job has deleted, page by page, as lines. Waits where the log does not have them yet. */
export async function* receiptsOf(space: string, job: string, signal: AbortSignal): AsyncGenerator<string> {
  for (let next: string | null = ""; next !== null; ) {
    let after: string | null = null;
    const page = await whenLogged(
      async () => {
        const found = await pageOf(space, job, next ?? "", signal);
        if ("text" in found) after = found.next ?? null;
        return found;
      },
      pausing(signal),
      () => {},
    );
    yield page;
    next = after;
  }
}

async function pageOf(space: string, job: string, next: string, signal: AbortSignal) {
  const sent = api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/receipts", {
    params: { path: { space_id: space, job_id: job }, query: { limit: PAGE, ...(next && { next }) } },
    parseAs: "text",
    signal,
  });
  try {
    const { data, response } = await answered<string>(sent);
    return { text: data, next: nextOfLink(response.headers.get("Link")) };
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== "not_logged_yet") throw problem;
    const { response } = await sent;
    return { wait: Number(response.headers.get("Retry-After")) || 1 };
  }
}
