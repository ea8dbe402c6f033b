import type { Schemas } from "../api/client.ts";
import { Commands } from "../ui/commands.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { navigate } from "../ui/route.tsx";
import { ConfirmForm, type Limits } from "./confirm_form.tsx";
import { jobRoute } from "./job_link.tsx";
import { type Job, jobPath, useExecute } from "./query.ts";
import { laterOf, soon } from "./start_at.ts";
import { targets } from "./words.ts";
import { LostDeletion, WriteProblem } from "./write_problem.tsx";

interface ExecuteFormProps {
  /** The dry run. */
  id: string;
  action: Schemas["Action"];
  /** How many it has found. */
  count: number;
  execute: ReturnType<typeof useExecute>;
  onClose?: () => void;
}

/** Asks before the plan of a dry run is executed. */
export function ExecuteForm({ id, action, count, execute, onClose }: ExecuteFormProps) {
  const { run, isPending, isUncertain, sent, data } = execute;
  if (isUncertain && sent !== null) {
    return <LostDeletion write={execute} startAt={sent.start_at} onClose={onClose} />;
  }
  const confirm = ({ maxDeletions, startAt }: Limits) =>
    run({ start_at: laterOf(soon(), startAt), ...(maxDeletions && { max_deletions: maxDeletions }) });
  return (
    <ConfirmForm
      what={targets({ action }, count)}
      isBusy={isPending || data !== undefined}
      onConfirm={confirm}
      onClose={onClose}
    >
      {({ maxDeletions, startAt }) => (
        <>
          <p>
            A job of its own deletes what the dry run has found, and nobody else. A profile that was added to or merged
            since is left alone.
          </p>
          <WriteProblem write={execute} />
          <Commands
            method="POST"
            path={`${jobPath(id)}/execute`}
            body={{ ...(startAt && { start_at: startAt }), ...(maxDeletions && { max_deletions: maxDeletions }) }}
            command={[
              ...["jobs", "execute", id],
              ...(maxDeletions === null ? [] : ["--max-deletions", String(maxDeletions)]),
              ...(startAt === null ? [] : ["--start-at", startAt]),
            ]}
          />
          {startAt === null && <AtOnce />}
        </>
      )}
    </ConfirmForm>
  );
}

/** That a command is without the minute that the button leaves. */
export function AtOnce() {
  return <small>As a command the job starts at once, without time to undo it.</small>;
}

/** The same over the dry run's own screen. */
export function ExecuteDialog({ job: { id, action, counts }, onClose }: { job: Job; onClose: () => void }) {
  const execute = useExecute(id, (made) => navigate(jobRoute(made.id)));
  return (
    <Dialog title="Execute the plan?" onClose={onClose} isBusy={execute.isPending}>
      <ExecuteForm id={id} action={action} count={counts.deleted ?? 0} execute={execute} onClose={onClose} />
    </Dialog>
  );
}
