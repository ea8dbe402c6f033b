import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client.ts";
import { listJobs } from "../job/query.ts";
import { reason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { LIVE_STATES, liveOf } from "./live.ts";

const LIVE_MS = 10_000;
const SLOW_MS = 60_000;
const LISTED = 100;

/** Which jobs the session may list: all, its own, or none, and then why. */
export function useListable(): { jobs: "all" | "own" | "none"; why: string } {
  const { role, permissions } = useSession().details.token;
  const why = reason(role, "read_jobs");
  if (permissions.includes("read_jobs")) return { jobs: "all", why };
  const makes = ["delete_profiles", "delete_identifiers", "manage_segments"] as const;
  return { jobs: makes.some((permission) => permissions.includes(permission)) ? "own" : "none", why };
}

/** Jobs that are not over. Each state has a list of its own, so that old jobs are found behind any number of new ones. */
export function useLiveJobs(jobs: "all" | "own") {
  const { space } = useSession();
  return useQuery({
    queryKey: ["jobs", "live", jobs],
    queryFn: async ({ signal }) => {
      const list = (state?: Schemas["JobState"]) =>
        listJobs(space, state ? { isMine: false, state } : { isMine: true }, "", signal, LISTED);
      const lists = await Promise.all(jobs === "own" ? [list()] : LIVE_STATES.map(list));
      return {
        jobs: liveOf(lists.flatMap(({ data }) => data)),
        isComplete: lists.every(({ cursor }) => !cursor.has_more),
      };
    },
    refetchInterval: LIVE_MS,
  });
}

/** Completed jobs with failed rows among the newest, and what completed jobs have come to in all. */
export function useFailedRows(jobs: "all" | "own", isEnabled = true) {
  const { space } = useSession();
  return useQuery({
    queryKey: ["jobs", "failed", jobs],
    queryFn: async ({ signal }) => {
      const filter = jobs === "own" ? ({ isMine: true } as const) : ({ isMine: false, state: "completed" } as const);
      const { data, counts } = await listJobs(space, filter, "", signal, LISTED);
      const isFailed = (job: Schemas["Job"]) => job.state === "completed" && (job.counts.failed ?? 0) > 0;
      return { jobs: data.filter(isFailed), failed: counts.failed ?? 0, deleted: counts.deleted ?? 0 };
    },
    enabled: isEnabled,
    refetchInterval: SLOW_MS,
  });
}

/** What was deleted on a day. */
export type DayCounts = Schemas["DayOfDeletions"];

/** What was deleted on each of the last 30 days. */
export function useDeletionCounts(isEnabled: boolean) {
  const { space } = useSession();
  return useQuery({
    queryKey: ["deletion_counts"],
    queryFn: ({ signal }) => deletionCounts(space, signal),
    enabled: isEnabled,
    refetchInterval: SLOW_MS,
  });
}

async function deletionCounts(space: string, signal: AbortSignal): Promise<DayCounts[]> {
  const params = { path: { space_id: space } };
  const sent = api.GET("/v1/spaces/{space_id}/deletions/counts", { params, signal });
  return (await body(sent)).data;
}

/** The last entries of the audit log, and how far it is published. */
export function useLastEntries(isEnabled: boolean) {
  const { space } = useSession();
  return useQuery({
    queryKey: ["audit_events", "last"],
    queryFn: ({ signal }) => lastEntries(space, signal),
    enabled: isEnabled,
    refetchInterval: SLOW_MS,
  });
}

async function lastEntries(space: string, signal: AbortSignal): Promise<Schemas["AuditEvents"]> {
  const page = await body(
    api.GET("/v1/spaces/{space_id}/audit_events", {
      params: { path: { space_id: space }, query: { limit: 6 } },
      signal,
    }),
  );
  // Only a request that accepts lines gets a text.
  return page as Schemas["AuditEvents"];
}
