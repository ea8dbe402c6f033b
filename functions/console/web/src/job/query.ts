import { keepPreviousData, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api, body, type Schemas } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import { usePages } from "../ui/pages.tsx";
import { useWrite } from "../ui/write.ts";
import type { Control } from "./control.ts";
import { type CsvPage, nextOfLink } from "./csv.ts";
import { pollListMs, pollMs } from "./poll.ts";
import { untilLate } from "./start_at.ts";

export type Job = Schemas["Job"];

/** Which jobs to list. Those of one's own token are all of them: the API takes no other filter with it. */
export type JobFilter = { isMine: true } | { isMine: false; state?: Schemas["JobState"]; group?: string };

/** A job, and the tag of its response, with which the API says that it has not changed. */
interface KnownJob {
  job: Job;
  etag: string | null;
}

const PAGE = 100;

const jobKey = (id: string) => ["job", id] as const;

/** The path of a job, for commands. */
export function jobPath(id: string): string {
  return `/deletion_jobs/${encodeURIComponent(id)}`;
}

/** A job. It is asked for again as long as anything can change, and its last state stays where nothing has. */
export function useJob(id: string, isEnabled = true) {
  return useQuery({
    queryKey: jobKey(id),
    queryFn: ({ client, signal }) => readJob(id, client.getQueryData<KnownJob>(jobKey(id)), signal),
    enabled: isEnabled,
    select: ({ job }) => job,
    refetchInterval: ({ state }) => pollMs(state.data?.job),
  });
}

async function readJob(id: string, known: KnownJob | undefined, signal: AbortSignal) {
  const headers = known?.etag ? { "If-None-Match": known.etag } : {};
  try {
    const params = { path: { job_id: id } };
    const { data, response } = await answered(api().GET("/deletion_jobs/{job_id}", { params, headers, signal }));
    return { job: data.job, etag: response.headers.get("ETag") };
  } catch (problem) {
    if (isProblem(problem, 304) && known !== undefined) return known;
    throw problem;
  }
}

/**
 * Jobs, the newest first, with what those that match add up to. The last page stays while the filter changes. They are asked
 * for again by themselves as long as one page is loaded: more pages at a time would be many requests.
 */
export function useJobs(filter: JobFilter, isEnabled = true) {
  return usePages(["jobs", filter], (next, signal) => listJobs(filter, next, signal), {
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.length === 1 ? pollListMs(data.pages[0]?.data ?? []) : false,
    enabled: isEnabled,
  });
}

/** A page of jobs. */
export function listJobs({ isMine, ...filter }: JobFilter, next: string, signal: AbortSignal, limit = 25) {
  const query = { ...(isMine ? { created_by: "me" as const } : filter), next, limit };
  return body(api().GET("/deletion_jobs", { params: { query }, signal }));
}

/** What happened to a job, the oldest first. */
export function useEvents(id: string) {
  return usePages([...jobKey(id), "events"], (next, signal) => {
    const params = { path: { job_id: id }, query: { limit: PAGE, next } };
    return body(api().GET("/deletion_jobs/{job_id}/events", { params, signal }));
  });
}

/** What became of the rows of a job; of those with one outcome only, where it is given. */
export function useOutcomes(id: string, outcome: Schemas["Outcome"] | null) {
  return usePages([...jobKey(id), "outcomes", outcome], (next, signal) => listOutcomes(id, outcome, next, signal, 25), {
    placeholderData: keepPreviousData,
  });
}

/** A page of the outcomes of a job. */
export async function listOutcomes(
  id: string,
  outcome: Schemas["Outcome"] | null,
  next: string,
  signal: AbortSignal,
  limit = PAGE,
): Promise<Schemas["Outcomes"]> {
  const params = { path: { job_id: id }, query: { limit, next, ...(outcome && { outcome }) } };
  // Only a request that accepts CSV gets a text.
  return (await body(api().GET("/deletion_jobs/{job_id}/outcomes", { params, signal }))) as Schemas["Outcomes"];
}

/** The same as CSV. */
export async function csvPage(
  id: string,
  outcome: Schemas["Outcome"] | null,
  next: string,
  signal: AbortSignal,
): Promise<CsvPage> {
  const params = { path: { job_id: id }, query: { limit: PAGE, next, ...(outcome && { outcome }) } };
  const options = { headers: { Accept: "text/csv" }, parseAs: "text", signal } as const;
  const sent = api().GET("/deletion_jobs/{job_id}/outcomes", { params, ...options });
  const { data, response } = await answered<string>(sent);
  return { text: data, next: nextOfLink(response.headers.get("Link")) };
}

/** Reads again what may have changed with a job: its events, its outcomes and the lists. */
export function refreshAround(client: QueryClient, id: string): void {
  for (const queryKey of [[...jobKey(id), "events"], [...jobKey(id), "outcomes"], ["jobs"]]) {
    void client.invalidateQueries({ queryKey });
  }
}

/** Keeps a job that a response has brought. */
export function keepJob(client: QueryClient, job: Job): void {
  // A response that is on its way may be older.
  void client.cancelQueries({ queryKey: jobKey(job.id), exact: true });
  client.setQueryData<KnownJob>(jobKey(job.id), { job, etag: null });
  refreshAround(client, job.id);
}

/** What can be asked of a job that is there. */
export interface ControlInput {
  control: Exclude<Control, "execute">;
  /** Before this time a job that is started or approved does not begin. */
  start_at?: string;
  /** Of an approval: the members that somebody saw. */
  expected_members?: number;
  /** Of a start: the rows that somebody saw, also those that are invalid. The API rejects another number. */
  expected_rows?: number;
}

/**
 * A request that changes a job or makes one, and brings it. What names a time of start is given up when there would be no time
 * to undo it if it arrived.
 */
export function useJobWrite<Input>(
  send: (input: Input, key: string, signal: AbortSignal | null) => Promise<Schemas["JobBody"]>,
  onDone?: (job: Job) => void,
  scope?: string,
) {
  const client = useQueryClient();
  const onSuccess = ({ job }: Schemas["JobBody"]) => {
    keepJob(client, job);
    onDone?.(job);
  };
  const sendInTime = (input: Input, key: string) => {
    const { start_at } = input as { start_at?: string };
    return send(input, key, start_at ? untilLate(start_at) : null);
  };
  return useWrite(sendInTime, onSuccess, scope);
}

/** Asks something of a job. What begins a deletion has a scope: {@link scopeOf}. */
export function useControl(id: string, onDone?: (job: Job) => void, scope?: string) {
  const client = useQueryClient();
  return useJobWrite(
    (input: ControlInput, key, signal) =>
      sendControl(id, input, key, signal).catch((problem) => {
        // Somebody looks at the rows that are there now before they agree again.
        if (isProblem(problem, "rows_changed")) void client.invalidateQueries({ queryKey: jobKey(id) });
        throw problem;
      }),
    onDone,
    scope,
  );
}

/** Under what a request that begins the deletions of a job is known, until its outcome is. */
export function scopeOf(id: string, { control, expected_members }: ControlInput): string {
  return [control, id, expected_members].join(" ");
}

function sendControl(id: string, input: ControlInput, key: string, signal: AbortSignal | null) {
  const params = { path: { job_id: id }, header: { "Idempotency-Key": key } };
  // Most take no body: `bodyOf` has one where they do.
  return body(api().POST(`/deletion_jobs/{job_id}/${input.control}`, { params, body: bodyOf(input) as never, signal }));
}

/** The body with which it is asked for; most have none. */
export function bodyOf({ control: _, ...given }: ControlInput): Omit<ControlInput, "control"> | undefined {
  return Object.keys(given).length > 0 ? given : undefined;
}

/** Makes the job that executes the plan of a dry run, and starts when it can no longer be undone. */
export function useExecute(planId: string, onDone?: (job: Job) => void) {
  return useJobWrite(
    (limits: { start_at: string; max_deletions?: number }, key, signal) => {
      const params = { path: { job_id: planId }, header: { "Idempotency-Key": key } };
      return body(api().POST("/deletion_jobs/{job_id}/execute", { params, body: limits, signal }));
    },
    onDone,
    `execute ${planId}`,
  );
}
