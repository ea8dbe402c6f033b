import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { announce } from "../ui/announce.tsx";
import { type Job, refreshAround } from "./query.ts";
import { newsOf } from "./words.ts";

/** Has screen readers say what has become of a job since it was read last, and reads again what has changed with it. */
export function useNews(job: Job | undefined): void {
  const client = useQueryClient();
  const last = useRef<Job | undefined>(undefined);
  useEffect(() => {
    const before = last.current;
    last.current = job;
    if (job === undefined || before?.id !== job.id || before === job) return;
    const news = newsOf(before, job);
    if (news !== null) announce(news);
    if (news !== null || before.verified_at !== job.verified_at) refreshAround(client, job.id);
  }, [client, job]);
}
