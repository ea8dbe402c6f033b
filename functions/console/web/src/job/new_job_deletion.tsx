import type { ReactNode } from "react";
import type { Schemas } from "../api/client.ts";
import { Focused } from "../ui/focused.tsx";
import { number, plural, Time } from "../ui/time.tsx";
import { BulkCommand } from "./bulk_command.tsx";
import { ConfirmForm, type Limits } from "./confirm_form.tsx";
import { ConsentForm, consentTo } from "./consent.tsx";
import { AsCommand } from "./job_controls.tsx";
import { JobLink } from "./job_link.tsx";
import type { Draft } from "./new_job_draft.ts";
import { CancelJob } from "./new_job_leave.tsx";
import { RunProgress, useRun } from "./new_job_progress.tsx";
import { bulkCommand } from "./new_job_request.ts";
import type { JobRun } from "./new_job_run.ts";
import { laterOf, UNDO_SECONDS } from "./start_at.ts";
import { targets } from "./words.ts";
import { LostDeletion, WriteProblem } from "./write_problem.tsx";

export interface DeletionProps {
  /** The dry run that was made, and its plan. */
  run: JobRun;
  plan: Schemas["Plan"];
  deletion: JobRun | null;
  confirmed: Draft["confirmed"];
  /** Makes the job, or has it take the rows. */
  onDelete: (limits: Limits) => void;
  /** Starts the job that has its rows. */
  onStart: () => void;
  /** Goes back to the plan. */
  onKeep: () => void;
}

/**
 * The deletion of identifiers. A plan of them cannot be executed, so the rows are sent once more: one page with the request
 * that confirms, more pages before it.
 */
export function RowDeletion({ run, plan, deletion, confirmed, onDelete, onStart, onKeep }: DeletionProps) {
  const { sent, isUncertain, isBusy } = confirmed;
  // Rows that the dry run did not find are carried out as well.
  const what = `up to ${targets(run.request, plan.rows - plan.invalid)}`;
  const found = <p>The dry run found {number(plan.profiles)}. What the other rows find by then is deleted too.</p>;
  if (isUncertain && sent?.start_at) {
    return <LostDeletion write={confirmed} startAt={laterOf(sent.start_at, deletion?.request.startAt)} />;
  }
  if (deletion !== null) {
    return (
      <Focused label="The job">
        <RunProgress run={deletion} onCancelled={onKeep} />
        <StartForm run={deletion} what={what} confirmed={confirmed} onStart={onStart} onCancelled={onKeep}>
          {found}
        </StartForm>
      </Focused>
    );
  }
  return (
    <ConfirmForm what={run.onlyRows === null ? null : what} isBusy={isBusy} onConfirm={onDelete}>
      {(limits) => (
        <>
          <RowsAgain run={run} limits={limits} />
          <WriteProblem write={confirmed} />
          {found}
        </>
      )}
    </ConfirmForm>
  );
}

interface StartProps extends Pick<DeletionProps, "run" | "confirmed" | "onStart"> {
  what: string;
  onCancelled: () => void;
  children: ReactNode;
}

/** Asks for consent when all rows are there. Confirming is one request, and nothing depends on the page after it. */
function StartForm({ run, what, confirmed, onStart, onCancelled, children }: StartProps) {
  const { step, job, rows } = useRun(run);
  if (step !== "sent" || job === null) return null;
  const { startAt, maxDeletions } = run.request;
  return (
    <ConsentForm
      label={consentTo(what)}
      name="Start"
      isBusy={confirmed.isBusy}
      onSend={onStart}
      beside={<CancelJob id={job.id} text="Cancel this job" isOff={confirmed.isBusy} onDone={onCancelled} />}
    >
      <p>
        Nothing is deleted before you confirm, here or on <JobLink id={job.id} text="the job's screen" />. The job
        starts {UNDO_SECONDS} seconds after that
        {startAt && (
          <>
            {" "}
            and not before <Time at={startAt} />
          </>
        )}
        . Until then you can undo it.
        {maxDeletions && ` It pauses after ${plural(maxDeletions, "deletion")}.`}
      </p>
      <WriteProblem write={confirmed} />
      <AsCommand job={{ ...job, rows }} control="start" />
      {children}
    </ConsentForm>
  );
}

/** What becomes of the rows, and the command that does the same. */
function RowsAgain({ run, limits }: { run: JobRun; limits: Limits }) {
  const { rows, request, onlyRows } = run;
  return (
    <>
      <p>
        {onlyRows !== null
          ? "The rows are sent once more, by the request that confirms. After that this page can be closed."
          : `The rows are sent once more, on ${plural(run.state().pages, "page")}, into an open job: you confirm when all are there.`}{" "}
        A row may turn out protected where another row deletes the user_id by which it finds its profile.
      </p>
      {!rows.isGiven && (
        <BulkCommand command={bulkCommand({ ...request, ...limits }, rows.file.name)} startAt={limits.startAt} />
      )}
    </>
  );
}
