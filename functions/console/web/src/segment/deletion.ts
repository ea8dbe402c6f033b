import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { answered, api, body, type Schemas } from "../api/client.ts";
import { serverNow } from "../api/clock.ts";
import { Problem } from "../api/problem.ts";
import { keepJob } from "../job/query.ts";
import { startAt } from "../job/start_at.ts";
import { useSession } from "../session/session.ts";
import { useWrite } from "../ui/write.ts";

type Job = Schemas["Job"];
type Body = Schemas["DeleteUsersBody"];

/** What the API says before a deletion is confirmed. */
export interface Consequences {
  /** Null where there are too many members to count at once. */
  members: number | null;
  consequences: readonly string[];
}

/** The segment has other members than were expected. Nobody was deleted. */
export class MembersChanged extends Problem {
  readonly members: number;
  constructor({ status, code, message, requestId }: Problem, members: number) {
    super(status, code, message, requestId);
    this.members = members;
  }
}

/** The segment has a job that is not over. */
export class JobInProgress extends Problem {
  readonly jobId: string;
  constructor({ status, code, message, requestId }: Problem, jobId: string) {
    super(status, code, message, requestId);
    this.jobId = jobId;
  }
}

/** What stands beside an error. */
interface Beside {
  plan?: Consequences;
  members?: number;
  job_id?: string;
}

/** Sends the request, and reads what stands beside its error. */
async function send(space: string, id: string, request: Body, key: string | null, signal?: AbortSignal) {
  const sent = api.POST("/v1/spaces/{space_id}/segments/{segment_id}/delete_users", {
    params: { path: { space_id: space, segment_id: id }, ...(key !== null && { header: { "Idempotency-Key": key } }) },
    body: request,
    ...(signal && { signal }),
  });
  try {
    return { done: (await answered<{ job: Job; plan?: Schemas["Plan"] }>(sent as never)).data };
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 409) throw problem;
    const { plan, members, job_id } = ((await sent).error ?? {}) as Beside;
    if (problem.code === "confirmation_required" && plan) return { asked: plan };
    if (problem.code === "members_changed" && members !== undefined) throw new MembersChanged(problem, members);
    if (problem.code === "job_in_progress" && job_id) throw new JobInProgress(problem, job_id);
    throw problem;
  }
}

/** How many members there are, and what follows. Nothing happens by asking. */
export function useConsequences(id: string) {
  const { space } = useSession();
  return useQuery({
    queryKey: ["consequences", space, id],
    queryFn: async ({ signal }): Promise<Consequences> => {
      const { asked } = await send(space, id, {}, null, signal);
      if (asked === undefined) throw new Error("A deletion was accepted without a confirmation.");
      return asked;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
  });
}

const POLL_MS = 2_000;

/**
 * A dry run of the deletion, with its plan as soon as there is one. A repetition of the request is the same dry run, until
 * the members are others.
 */
export function useDryRun(id: string, isEnabled: boolean, changed: number | null) {
  const { space } = useSession();
  const [opened] = useState(() => crypto.randomUUID());
  const key = changed === null ? opened : `${opened}-${changed}`;
  const made = useQuery({
    queryKey: ["dry_run", space, key],
    enabled: isEnabled,
    queryFn: async ({ signal }) => (await send(space, id, { dry_run: true }, key, signal)).done ?? null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
  });
  const job = made.data?.job;
  const isDone = made.data?.plan !== undefined;
  const followed = useQuery({
    queryKey: ["dry_run", space, key, job?.id],
    enabled: job !== undefined && !isDone,
    queryFn: async ({ signal }) => {
      const path = { space_id: space, job_id: job?.id ?? "" };
      const sent = api.GET("/v1/spaces/{space_id}/deletion_jobs/{job_id}", { params: { path }, signal });
      return (await body(sent)).job;
    },
    refetchInterval: ({ state }) => (state.data?.plan || state.data?.finished_at ? false : POLL_MS),
    gcTime: 0,
  });
  return {
    job: followed.data ?? job ?? null,
    plan: made.data?.plan ?? followed.data?.plan ?? null,
    problem: made.error ?? followed.error,
    retry: () => void (made.error ? made : followed).refetch(),
  };
}

/** As much of the time to undo must be left for a request to be repeated with the time that it named. */
const LEFT_MS = 15_000;

/** Makes the job that deletes the members that were seen. It can be undone until it starts. */
export function useDeletion(id: string, onDone: (job: Job) => void) {
  const { space } = useSession();
  const client = useQueryClient();
  const start = useRef<string | null>(null);
  const write = useWrite(
    async (request: { expected_members: number; auto_enable: boolean; start_at: string }, key) => {
      const { done } = await send(space, id, { confirm: true, ...request }, key);
      if (done === undefined) throw new Error("The confirmed deletion was not accepted.");
      return done;
    },
    ({ job }) => {
      keepJob(client, job);
      void client.invalidateQueries({ queryKey: ["segment", space, id] });
      onDone(job);
    },
  );
  /**
   * A repetition is the same request, and so the same job. Where its time to undo is nearly over it is a new one: a segment
   * has one job at a time, so that this cannot delete anybody twice either.
   */
  const confirm = (expected_members: number, auto_enable: boolean) => {
    const left = Date.parse(start.current ?? "") - serverNow().getTime();
    if (!(left > LEFT_MS)) start.current = startAt();
    write.run({ expected_members, auto_enable, start_at: start.current ?? startAt() });
  };
  return { confirm, isPending: write.isPending, problem: write.problem };
}
