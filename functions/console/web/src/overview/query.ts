import { useQuery } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client.ts";
import { searchPage } from "../audit/search.ts";
import { type JobFilter, listJobs } from "../job/query.ts";
import { LIVE_STATES, liveOf } from "./live.ts";

const LIVE_MS = 10_000;
const SLOW_MS = 60_000;
const LISTED = 100;

/** Jobs that are not over. Each state has a list of its own, so that old jobs are found behind any number of new ones. */
export function useLiveJobs(jobs: "all" | "own") {
  return useQuery({
    queryKey: ["jobs", "live", jobs],
    queryFn: async ({ signal }) => {
      const list = (filter: JobFilter) => listJobs(filter, "", signal, LISTED);
      const lists = await Promise.all(
        jobs === "own" ? [list({ isMine: true })] : LIVE_STATES.map((state) => list({ isMine: false, state })),
      );
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
  return useQuery({
    queryKey: ["jobs", "failed", jobs],
    queryFn: async ({ signal }) => {
      const filter: JobFilter = jobs === "own" ? { isMine: true } : { isMine: false, state: "completed" };
      const { data, counts } = await listJobs(filter, "", signal, LISTED);
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
export function useDeletionCounts(isEnabled = true) {
  return useQuery({
    queryKey: ["deletion_counts"],
    queryFn: async ({ signal }) => (await body(api().GET("/deletions/counts", { signal }))).data,
    enabled: isEnabled,
    refetchInterval: SLOW_MS,
  });
}

/** The last entries of the audit log, and how far it is published. */
export function useLastEntries() {
  return useQuery({
    queryKey: ["audit_events", "last"],
    queryFn: ({ signal }) => searchPage({}, "", 6, signal),
    refetchInterval: SLOW_MS,
  });
}
