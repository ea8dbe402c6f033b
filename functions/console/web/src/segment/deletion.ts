import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body, type Schemas } from "../api/client.ts";
import { isProblem, Problem } from "../api/problem.ts";
import { useJob, useJobWrite } from "../job/query.ts";
import { soon } from "../job/start_at.ts";
import { ONCE } from "../ui/once.ts";
import { segmentKey } from "./query.ts";

type Job = Schemas["Job"];
type Body = Schemas["DeleteUsersBody"];

/** What the API says before a deletion is confirmed. */
export interface Consequences {
  /** Null where there are too many members to count at once. */
  members: number | null;
  consequences: readonly string[];
}

/** What stands beside an error. */
interface Beside {
  plan?: Consequences;
  /** The segment has so many members, which are others than were expected. Nobody was deleted. */
  members?: number;
  /** The segment's job that is not over. */
  job_id?: string;
}

/** Why a deletion was rejected, with what stands beside it. */
export class Conflict extends Problem {
  readonly beside: Beside;
  constructor({ status, code, message, requestId }: Problem, beside: Beside) {
    super(status, code, message, requestId);
    this.beside = beside;
  }
}

/** Sends the request, and reads what stands beside its error. */
async function send(id: string, request: Body, key: string | null, signal: AbortSignal | null) {
  const sent = api().POST("/segments/{segment_id}/delete_users", {
    params: { path: { segment_id: id }, ...(key !== null && { header: { "Idempotency-Key": key } }) },
    body: request,
    signal,
  });
  try {
    return { done: await body<{ job: Job; plan?: Schemas["Plan"] }>(sent as never) };
  } catch (problem) {
    if (!isProblem(problem, 409)) throw problem;
    const beside = ((await sent).error ?? {}) as Beside;
    if (problem.code === "confirmation_required" && beside.plan) return { asked: beside.plan };
    throw new Conflict(problem, beside);
  }
}

/** How many members there are, and what follows. Nothing happens by asking. */
export function useConsequences(id: string) {
  return useQuery({
    queryKey: ["consequences", id],
    queryFn: async ({ signal }): Promise<Consequences> => {
      const { asked } = await send(id, {}, null, signal);
      if (asked === undefined) throw new Error("A deletion was accepted without a confirmation.");
      return asked;
    },
    ...ONCE,
  });
}

/**
 * A dry run of the deletion, with its plan as soon as there is one. A repetition of the request is the same dry run, until
 * the members are others.
 */
export function useDryRun(id: string, isEnabled: boolean, members: number | undefined) {
  const [opened] = useState(() => crypto.randomUUID());
  const key = members === undefined ? opened : `${opened}-${members}`;
  const made = useQuery({
    queryKey: ["dry_run", key],
    enabled: isEnabled,
    queryFn: async ({ signal }) => (await send(id, { dry_run: true }, key, signal)).done ?? null,
    ...ONCE,
  });
  const job = made.data?.job;
  const followed = useJob(job?.id ?? "", job !== undefined && made.data?.plan === undefined);
  return {
    job: followed.data ?? job ?? null,
    plan: made.data?.plan ?? followed.data?.plan ?? null,
    problem: made.error ?? followed.error,
    retry: () => void (made.error ? made : followed).refetch(),
  };
}

/**
 * Makes the job that deletes the members that were seen. It can be undone until it starts. As long as it is not certain
 * whether it was made, only the same request is sent again.
 */
export function useDeletion(id: string, onDone: (job: Job) => void) {
  const client = useQueryClient();
  const refresh = () => void client.invalidateQueries({ queryKey: segmentKey(id) });
  const write = useJobWrite(
    async (request: { expected_members: number; auto_enable: boolean; start_at: string }, key, signal) => {
      const { done } = await send(id, { confirm: true, ...request }, key, signal).finally(refresh);
      if (done === undefined) throw new Error("The confirmed deletion was not accepted.");
      return done;
    },
    onDone,
    `delete_users ${id}`,
  );
  const confirm = (expected_members: number, auto_enable: boolean) =>
    write.run({ expected_members, auto_enable, start_at: soon() });
  return { ...write, confirm };
}
