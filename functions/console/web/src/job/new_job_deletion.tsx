import type { Schemas } from "../api/client.ts";
import { useSession } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Form } from "../ui/field.tsx";
import { Focused } from "../ui/focused.tsx";
import { efface } from "../ui/shell.ts";
import { plural, Time } from "../ui/time.tsx";
import { ConfirmForm, type Limits } from "./confirm_form.tsx";
import { consentTo, useConsent } from "./consent.tsx";
import { AtOnce } from "./execute_form.tsx";
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
  const { sent, isUncertain, isPending } = confirmed;
  const what = targets(run.request, plan.profiles);
  if (isUncertain && sent !== null) {
    return <LostDeletion write={confirmed} startAt={laterOf(sent.start_at, deletion?.request.startAt)} />;
  }
  if (deletion !== null) {
    return (
      <Focused label="The job">
        <RunProgress run={deletion} onCancelled={onKeep} />
        <StartForm run={deletion} what={what} confirmed={confirmed} onStart={onStart} onCancelled={onKeep} />
      </Focused>
    );
  }
  return (
    <ConfirmForm what={run.onlyRows === null ? null : what} isBusy={isPending} onConfirm={onDelete}>
      {(limits) => (
        <>
          <RowsAgain run={run} limits={limits} />
          <WriteProblem write={confirmed} />
        </>
      )}
    </ConfirmForm>
  );
}

interface StartProps extends Pick<DeletionProps, "run" | "confirmed" | "onStart"> {
  what: string;
  onCancelled: () => void;
}

/** Asks for consent when all rows are there. Confirming is one request, and nothing depends on the page after it. */
function StartForm({ run, what, confirmed, onStart, onCancelled }: StartProps) {
  const { step, job } = useRun(run);
  const { isPending } = confirmed;
  const { isAgreed, field } = useConsent(consentTo(what), isPending);
  if (step !== "sent" || job === null) return null;
  const { startAt, maxDeletions } = run.request;
  return (
    <Form className="stack" onSend={() => isAgreed && onStart()}>
      <p>
        Nothing is deleted before you confirm. You can also do that later, on{" "}
        <JobLink id={job.id} text="the job's screen" />. The job starts {UNDO_SECONDS} seconds after you confirm
        {startAt !== null && (
          <>
            {" "}
            and not before <Time at={startAt} />
          </>
        )}
        . Until then you can undo it.
        {maxDeletions !== null && ` It pauses after ${plural(maxDeletions, "deletion")}.`}
      </p>
      <WriteProblem write={confirmed} />
      {field}
      <div className="actions">
        <Button kind="danger" type="submit" isBusy={isPending} reason={isAgreed ? null : "Tick the box first."}>
          Confirm Delete
        </Button>
        <CancelJob id={job.id} text="Cancel this job" onDone={onCancelled} />
      </div>
    </Form>
  );
}

/** What becomes of the rows, and the command that does the same. */
function RowsAgain({ run, limits }: { run: JobRun; limits: Limits }) {
  const { space } = useSession();
  const { rows, request, onlyRows } = run;
  return (
    <>
      <p>
        {onlyRows !== null
          ? "The rows are sent once more, by the request that confirms. After that this page can be closed."
          : `The rows are sent once more, on ${run.state().pages} pages, into an open job. It deletes nothing: you confirm when all rows are there.`}{" "}
        A dry run does not see that a row may delete the user_id by which another row finds its profile: such rows may
        turn out protected.
      </p>
      {!rows.isGiven && (
        <div className="commands">
          <CopyButton
            label="Copy as efface"
            text={() => efface(bulkCommand({ ...request, ...limits }, rows.file.name), space)}
          />
          {limits.startAt === null && <AtOnce />}
        </div>
      )}
    </>
  );
}
