import { api, body, type Schemas, type Sent } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Attempt } from "../rows/upload.ts";

/** What making a job of many rows needs of the API. Each request is sent once. */
export interface JobApi {
  create(body: string, key: string, signal: AbortSignal): Promise<Attempt<Schemas["CreatedJob"]>>;
  addPage(job: string, body: string, signal: AbortSignal): Promise<Attempt<Schemas["CreatedJob"]>>;
  start(job: string, key: string, signal: AbortSignal): Promise<Attempt<Schemas["JobBody"]>>;
  read(job: string, signal: AbortSignal): Promise<Attempt<Schemas["JobBody"]>>;
}

/** The API, for the jobs of the session's space. Bodies are sent as they are: their bytes count. */
export const JOB_API: JobApi = {
  create: (text, key, signal) => {
    const params = { header: { "Idempotency-Key": key } };
    return attempt(api().POST("/deletion_jobs", { params, ...raw(text), signal }));
  },
  addPage: (job, text, signal) => {
    const params = { path: { job_id: job } };
    return attempt(api().POST("/deletion_jobs/{job_id}/rows", { params, ...raw(text), signal }));
  },
  start: (job, key, signal) => {
    const params = { path: { job_id: job }, header: { "Idempotency-Key": key } };
    return attempt(api().POST("/deletion_jobs/{job_id}/start", { params, signal }));
  },
  read: (job, signal) => attempt(api().GET("/deletion_jobs/{job_id}", { params: { path: { job_id: job } }, signal })),
};

/** A body that is JSON already. */
export function raw(text: string) {
  return { body: text as never, bodySerializer: () => text };
}

/** What became of a request. Only one that was stopped fails. */
async function attempt<T>(sent: Sent<T>): Promise<Attempt<T>> {
  try {
    return { value: await body(sent) };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const response = problem.status > 0 ? (await sent).response : null;
    return { problem, retryAfterMs: Number(response?.headers.get("Retry-After")) * 1_000 || null };
  }
}
