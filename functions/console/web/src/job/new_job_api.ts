import { api, type Schemas } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Attempt } from "../rows/upload.ts";

/** What making a job of many rows needs of the API. Each request is sent once. */
export interface JobApi {
  create(body: string, key: string, signal: AbortSignal): Promise<Attempt<Schemas["CreatedJob"]>>;
  addPage(job: string, body: string, signal: AbortSignal): Promise<Attempt<Schemas["CreatedJob"]>>;
  start(job: string, key: string, signal: AbortSignal): Promise<Attempt<Schemas["JobBody"]>>;
  read(job: string, signal: AbortSignal): Promise<Attempt<Schemas["JobBody"]>>;
}

/** The API, for the jobs of a space. Bodies are sent as they are: their bytes count. */
export function jobApi(space: string): JobApi {
  const path = { space_id: space };
  const pathOf = (job: string) => ({ space_id: space, job_id: job });
  return {
    create: (text, key, signal) =>
      attempt(
        api.POST("/v1/spaces/{space_id}/deletion_jobs", {
          params: { path, header: { "Idempotency-Key": key } },
          ...raw(text),
          signal,
        }),
      ),
    addPage: (job, text, signal) =>
      attempt(
        api.POST("/v1/spaces/{space_id}/deletion_jobs/{job_id}/rows", {
          params: { path: pathOf(job) },
          ...raw(text),
          signal,
        }),
      ),
    start: (job, key, signal) =>
      attempt(
        api.POST("/v1/spaces/{space_id}/deletion_jobs/{job_id}/start", {
          params: { path: pathOf(job), header: { "Idempotency-Key": key } },
          signal,
        }),
      ),
    read: (job, signal) =>
      attempt(api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}", { params: { path: pathOf(job) }, signal })),
  };
}

/** A body that is JSON already. */
function raw(text: string) {
  return { body: text as never, bodySerializer: () => text };
}

/** What became of a request. Only one that was stopped fails. */
async function attempt<T>(sent: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Attempt<T>> {
  try {
    const { data, error, response } = await sent;
    if (response.ok) return { value: data as T };
    return { problem: Problem.of(response, error), retryAfterMs: retryAfterMs(response) };
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    return { problem: Problem.noResponse(cause), retryAfterMs: null };
  }
}

function retryAfterMs(response: Response): number | null {
  const seconds = response.headers.get("Retry-After");
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : null;
}
