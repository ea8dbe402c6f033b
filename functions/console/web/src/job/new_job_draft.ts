import { useEffect, useState, useSyncExternalStore } from "react";
import type { Schemas } from "../api/client.ts";
import { wait } from "../api/wait.ts";
import type { Change } from "../rows/change.ts";
import type { Layout } from "../rows/csv.ts";
import type { RowFile } from "../rows/source.ts";
import type { Limits } from "./confirm_form.tsx";
import { JOB_API } from "./new_job_api.ts";
import type { Loss } from "./new_job_leave.tsx";
import { type ReadingState, useReading } from "./new_job_reading.ts";
import { JobRun } from "./new_job_run.ts";
import type { Rows } from "./new_job_state.ts";
import { canBeUndone, startAfterSending } from "./new_job_time.ts";

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
  /** The job that deletes what the rows name, where it is made of them again. */
  readonly deletion: JobRun | null;
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
  const draft: Draft = { ...entered, reading, rows, run, deletion };
  const { action } = entered;
  const group = entered.group === "" ? null : entered.group;
  const begin = (made: Rows, limits: Limits | null) => {
    const request = {
      action,
      isDryRun: limits === null,
      group,
      maxDeletions: limits?.maxDeletions ?? null,
      startAt: limits === null ? null : (limits.startAt ?? startAfterSending(run?.sentMs ?? 0)),
    };
    const begun = new JobRun(made, request, { api: JOB_API, wait, mayStart: canBeUndone });
    void begun.run();
    return begun;
  };
  return {
    draft,
    enter: (change: Partial<typeof entered>) => setEntered({ ...entered, ...change }),
    /** Makes a dry run, of a copy of the rows where they are changed. */
    plan: (changes: readonly Change[]) => rows !== null && setRun(begin({ ...rows, changes }, null)),
    /** Makes the job that deletes. */
    remove: (limits: Limits) => run !== null && setDeletion(begin(run.rows, limits)),
    /** Goes back to the plan. */
    keep: () => setDeletion(null),
    /** Goes back to what was entered. */
    discard: () => setRun(null),
  };
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
export function useLoss({ file, pasted, run, deletion, action }: Draft): Loss | null {
  const [planned, deleting] = [useStep(run), useStep(deletion)];
  if (deleting !== null) {
    if (deleting.step === "started") return null;
    const { isLost, job } = deleting;
    if (isLost) return { text: "The job may have been made and started: look in Jobs.", job: null };
    return { text: "Not all rows were sent, and nothing was deleted.", job: job?.id ?? null };
  }
  if (planned === null) {
    const isEntered = file !== null || pasted.trim() !== "";
    return isEntered ? { text: "Your rows were not sent, and nothing was made of them.", job: null } : null;
  }
  if (planned.step !== "started") return { text: "The dry run has not all rows yet.", job: planned.job?.id ?? null };
  if (action === "delete_profile") return null;
  return { text: "The plan is kept, but the rows are in this page only. To delete, choose them again.", job: null };
}
