import { useEffect, useState, useSyncExternalStore } from "react";
import { api, body, type Schemas } from "../api/client.ts";
import { wait } from "../api/wait.ts";
import type { Change } from "../rows/change.ts";
import type { Layout } from "../rows/csv.ts";
import type { RowFile } from "../rows/source.ts";
import { navigate } from "../ui/route.tsx";
import type { Limits } from "./confirm_form.tsx";
import { jobRoute } from "./job_link.tsx";
import { JOB_API, raw } from "./new_job_api.ts";
import type { Loss } from "./new_job_leave.tsx";
import { type ReadingState, useReading } from "./new_job_reading.ts";
import { createBody } from "./new_job_request.ts";
import { JobRun } from "./new_job_run.ts";
import type { Rows, RunState } from "./new_job_state.ts";
import { scopeOf, useControl, useExecute, useJobWrite } from "./query.ts";
import { laterOf, soon } from "./start_at.ts";

type RowAction = Schemas["RowAction"];

/** A job that somebody is about to make. */
export interface Draft {
  readonly action: RowAction;
  readonly group: string;
  readonly pasted: string;
  readonly file: RowFile | null;
  /** What somebody has said of a table. */
  readonly layout: Layout | null;
  readonly reading: ReadingState;
  /** The rows, where some of them can be sent. */
  readonly rows: Rows | null;
  /** The dry run. */
  readonly run: JobRun | null;
  /** The job that deletes what the rows name, where its rows are sent before it is confirmed. */
  readonly deletion: JobRun | null;
  /** The request that confirms a deletion of what the rows name, or of what the dry run has found. */
  readonly confirmed: ReturnType<typeof useConfirmed>;
}

/** What is entered, and what is made of it. A dry run settles what was entered, until it is discarded. */
export function useDraft(first: RowAction) {
  const [entered, setEntered] = useState({
    action: first,
    group: "",
    pasted: "",
    file: null as RowFile | null,
    layout: null as Layout | null,
  });
  const [run, setRun] = useState<JobRun | null>(null);
  const [deletion, setDeletion] = useState<JobRun | null>(null);
  const reading = useReading(entered.file, entered.layout, entered.action);
  useStopped(run);
  useStopped(deletion);
  const rows = rowsOf(entered.file, entered.layout, reading);
  const confirmed = useConfirmed(run, useStep(deletion)?.job?.id ?? null);
  const draft: Draft = { ...entered, reading, rows, run, deletion, confirmed };
  const { action } = entered;
  const group = entered.group === "" ? null : entered.group;
  const requestOf = (limits: Limits | null) => ({
    ...{ action, group, isDryRun: limits === null },
    ...(limits ?? { maxDeletions: null, startAt: null }),
  });
  const begin = (made: Rows, limits: Limits | null) => {
    const begun = new JobRun(made, requestOf(limits), { api: JOB_API, wait });
    void begun.run();
    return begun;
  };
  /** Takes another plan. Why the request of the last one has failed is no matter any more. */
  const turnTo = (next: JobRun | null) => {
    confirmed.reset();
    setRun(next);
  };
  return {
    draft,
    enter: (change: Partial<typeof entered>) => setEntered({ ...entered, ...change }),
    /** Makes a dry run, of a copy of the rows where they are changed. */
    plan: (changes: readonly Change[]) => rows !== null && turnTo(begin({ ...rows, changes }, null)),
    /** One page: makes the job, which starts after a minute. More: makes an open job and sends the rows. */
    remove: (limits: Limits) => {
      if (run === null) return;
      const rows = run.onlyRows;
      if (rows === null) return setDeletion(begin(run.rows, limits));
      const startAt = laterOf(soon(), limits.startAt);
      confirmed.create({ start_at: startAt, body: createBody({ ...requestOf(limits), startAt }, rows, false) });
    },
    /** Starts the job whose rows are there. */
    start: () =>
      deletion && confirmed.start({ control: "start", expected_rows: deletion.state().rows, start_at: soon() }),
    /** Goes back to the plan. */
    keep: () => {
      confirmed.reset();
      setDeletion(null);
    },
    /** Goes back to what was entered. */
    discard: () => turnTo(null),
  };
}

/**
 * The request that confirms: it executes the plan of a dry run, makes a job of one page of rows, or starts one that has its
 * rows. Then the job's own screen is shown, where it can be undone.
 */
function useConfirmed(run: JobRun | null, job: string | null) {
  const execute = useExecute(useStep(run)?.job?.id ?? "");
  const create = useJobWrite(
    ({ body: text }: { start_at: string; body: string }, key, signal) => {
      const params = { header: { "Idempotency-Key": key } };
      return body(api().POST("/deletion_jobs", { params, ...raw(text), signal }));
    },
    undefined,
    `create ${run?.key}`,
  );
  const id = job ?? "";
  // The job's own screen knows the same request under the same scope.
  const start = useControl(id, undefined, scopeOf(id, { control: "start" }));
  const ofRows = job === null ? create : start;
  const write = run?.request.action === "delete_profile" ? execute : ofRows;
  const made = write.data?.job.id;
  // Not before the page knows that nothing would be lost by leaving it.
  useEffect(() => {
    if (made !== undefined) navigate(jobRoute(made));
  }, [made]);
  const isBusy = write.isPending || made !== undefined;
  return { ...write, isBusy, create: create.run, start: start.run, execute };
}

function rowsOf(file: RowFile | null, layout: Layout | null, state: ReadingState): Rows | null {
  if (file === null || state.step !== "read") return null;
  const { format, reading } = state;
  if (reading.rows === reading.rejections.total) return null;
  return { file, format, isGiven: layout !== null, reading, changes: [] };
}

/** Stops a run when the screen is left, or another takes its place. */
function useStopped(run: JobRun | null): void {
  useEffect(() => () => run?.stop(), [run]);
}

/** How far a run is; null where there is none. */
export function useStep(run: JobRun | null) {
  return useSyncExternalStore(run?.subscribe ?? never, () => run?.state() ?? null);
}

function never(): () => void {
  return () => undefined;
}

/** What leaving the page would lose; null where nothing. */
export function useLoss(draft: Draft): Loss | null {
  return lossOf(draft, useStep(draft.run), useStep(draft.deletion));
}

type Entered = Pick<Draft, "file" | "pasted" | "action"> & {
  confirmed: Pick<Draft["confirmed"], "data" | "isPending" | "isUncertain">;
};

/** The same, by how far the dry run and the job that deletes are. */
export function lossOf(
  { file, pasted, action, confirmed }: Entered,
  planned: RunState | null,
  deleting: RunState | null,
): Loss | null {
  if (confirmed.data !== undefined) return null;
  if (confirmed.isPending || confirmed.isUncertain) {
    return { text: "The deletion may have been confirmed: look in Jobs.", job: null };
  }
  if (deleting !== null) return { text: "The deletion is not confirmed.", job: deleting.job?.id ?? null };
  if (planned === null) {
    const isEntered = file !== null || pasted.trim() !== "";
    return isEntered ? { text: "Your rows were not sent, and nothing was made of them.", job: null } : null;
  }
  if (planned.step !== "started") return { text: "The dry run has not all rows yet.", job: planned.job?.id ?? null };
  if (action === "delete_profile") return null;
  return { text: "The plan is kept, but the rows are in this page only. To delete, choose them again.", job: null };
}
