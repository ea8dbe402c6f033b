import { keepPreviousData, type QueryClient, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api, body, type Schemas } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { Problem } from "../api/problem.ts";
import { useSession } from "../session/session.ts";
import { nextOf } from "../ui/more.tsx";
import { useWrite } from "../ui/write.ts";
import { type CsvPage, nextOfLink } from "./csv.ts";
import { pollListMs, pollMs } from "./poll.ts";
import { startAt } from "./start_at.ts";

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
const pathOf = (space: string, id: string) => ({ space_id: space, job_id: id });

/** The path of a job, for commands. */
export function jobPath(space: string, id: string): string {
  return fillPath("/v1/spaces/{space_id}/deletion_jobs/{job_id}", pathOf(space, id));
}

/** A job. It is asked for again as long as anything can change, and its last state stays where nothing has. */
export function useJob(id: string) {
  const { space } = useSession();
  return useQuery({
    queryKey: jobKey(id),
    queryFn: ({ client, signal }) => readJob(space, id, client.getQueryData<KnownJob>(jobKey(id)), signal),
    select: ({ job }) => job,
    refetchInterval: ({ state }) => pollMs(state.data?.job),
  });
}

async function readJob(space: string, id: string, known: KnownJob | undefined, signal: AbortSignal) {
  const headers = known?.etag ? { "If-None-Match": known.etag } : {};
  try {
    const { data, response } = await answered(
      api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}", { params: { path: pathOf(space, id) }, headers, signal }),
    );
    return { job: data.job, etag: response.headers.get("ETag") };
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 304 && known !== undefined) return known;
    throw problem;
  }
}

/** Jobs, the newest first, with what those that match add up to. The last page stays while the filter changes. */
export function useJobs(filter: JobFilter, isEnabled = true) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: ["jobs", filter],
    queryFn: ({ pageParam, signal }) => listJobs(space, filter, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: nextOf,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => pollListMs(state.data?.pages.flatMap((page) => page.data) ?? []),
    enabled: isEnabled,
  });
}

/** A page of jobs. */
export function listJobs(space: string, filter: JobFilter, next: string, signal: AbortSignal, limit = 25) {
  const { state, group } = filter.isMine ? {} : filter;
  const query = {
    ...(filter.isMine ? { created_by: "me" as const } : {}),
    ...(state === undefined ? {} : { state }),
    ...(group === undefined ? {} : { group }),
    ...(next === "" ? {} : { next }),
    limit,
  };
  return body(api.GET("/v1/spaces/{space_id}/deletion_jobs", { params: { path: { space_id: space }, query }, signal }));
}

/** What happened to a job, the oldest first. */
export function useEvents(id: string) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: [...jobKey(id), "events"],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/events", {
          params: { path: pathOf(space, id), query: { limit: PAGE, ...(pageParam && { next: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: nextOf,
  });
}

/** What became of the rows of a job; of those with one outcome only, where it is given. */
export function useOutcomes(id: string, outcome: Schemas["Outcome"] | null) {
  const { space } = useSession();
  return useInfiniteQuery({
    queryKey: [...jobKey(id), "outcomes", outcome],
    queryFn: ({ pageParam, signal }) => listOutcomes(space, id, outcome, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: nextOf,
    placeholderData: keepPreviousData,
  });
}

async function listOutcomes(
  space: string,
  id: string,
  outcome: Schemas["Outcome"] | null,
  next: string,
  signal: AbortSignal,
): Promise<Schemas["Outcomes"]> {
  const query = { ...(outcome && { outcome }), ...(next && { next }) };
  const page = await body(
    api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes", {
      params: { path: pathOf(space, id), query },
      signal,
    }),
  );
  // Only a request that accepts CSV gets a text.
  return page as Schemas["Outcomes"];
}

/** Reads again what may have changed with a job: its events, its outcomes and the lists. */
export function refreshAround(client: QueryClient, id: string): void {
  void client.invalidateQueries({ queryKey: [...jobKey(id), "events"] });
  void client.invalidateQueries({ queryKey: [...jobKey(id), "outcomes"] });
  void client.invalidateQueries({ queryKey: ["jobs"] });
}

/** Keeps a job that a response has brought. */
export function keepJob(client: QueryClient, job: Job): void {
  // A response that is on its way may be older.
  void client.cancelQueries({ queryKey: jobKey(job.id), exact: true });
  client.setQueryData<KnownJob>(jobKey(job.id), { job, etag: null });
  refreshAround(client, job.id);
}

/** What can be asked of a job that is there. An approval names the members that somebody saw. */
export type ControlInput =
  | { control: "start" | "pause" | "resume" | "cancel" | "redrive" | "reject" }
  | { control: "approve"; expected_members: number | null };

/** Asks something of a job. */
export function useControl(id: string, onDone?: (job: Job) => void) {
  const { space } = useSession();
  const client = useQueryClient();
  return useWrite(
    (input: ControlInput, key) => sendControl(space, id, input, key),
    ({ job }) => {
      keepJob(client, job);
      onDone?.(job);
    },
  );
}

function sendControl(space: string, id: string, input: ControlInput, key: string): Promise<Schemas["JobBody"]> {
  const params = { path: pathOf(space, id), header: { "Idempotency-Key": key } };
  if (input.control !== "approve") {
    return body(api.POST(`/v1/spaces/{space_id}/deletion_jobs/{job_id}/${input.control}`, { params }));
  }
  const { expected_members } = input;
  return body(
    api.POST("/v1/spaces/{space_id}/deletion_jobs/{job_id}/approve", {
      params,
      body: expected_members === null ? {} : { expected_members },
    }),
  );
}

/** Makes the job that executes the plan of a dry run, to be started when it can no longer be undone. */
export function useExecute(planId: string, onDone: (job: Job) => void) {
  const { space } = useSession();
  const client = useQueryClient();
  return useWrite(
    ({ max_deletions }: { max_deletions: number | null }, key) =>
      body(
        api.POST("/v1/spaces/{space_id}/deletion_jobs/{job_id}/execute", {
          params: { path: pathOf(space, planId), header: { "Idempotency-Key": key } },
          body: { start_at: startAt(key), ...(max_deletions === null ? {} : { max_deletions }) },
        }),
      ),
    ({ job }) => {
      keepJob(client, job);
      onDone(job);
    },
  );
}

/** A page of the outcomes of a job as CSV. */
export async function csvPage(
  space: string,
  id: string,
  outcome: Schemas["Outcome"] | null,
  next: string,
  signal: AbortSignal,
): Promise<CsvPage> {
  const sent = api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}/outcomes", {
    params: { path: pathOf(space, id), query: { limit: PAGE, ...(outcome && { outcome }), ...(next && { next }) } },
    headers: { Accept: "text/csv" },
    parseAs: "text",
    signal,
  });
  const { data, response } = await answered<string>(sent);
  return { text: data, next: nextOfLink(response.headers.get("Link")) };
}
