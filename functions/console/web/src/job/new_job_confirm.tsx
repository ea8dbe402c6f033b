import type { Schemas } from "../api/client.ts";
import { rolesWith } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { efface } from "../ui/shell.ts";
import { plural } from "../ui/time.tsx";
import { ConfirmForm, type Limits } from "./confirm_form.tsx";
import { permissionFor } from "./control.ts";
import { AtOnce, ExecuteForm } from "./execute_form.tsx";
import { DeletionProgress } from "./new_job_deletion.tsx";
import { bulkCommand } from "./new_job_request.ts";
import type { JobRun } from "./new_job_run.ts";
import { useExecute } from "./query.ts";
import { targets } from "./words.ts";

interface ConfirmCardProps {
  /** The dry run that was made, its job and its plan. */
  run: JobRun;
  id: string;
  plan: Schemas["Plan"];
  /** The job that deletes what the rows name, where it is made of them again. */
  deletion: JobRun | null;
  onDelete: (limits: Limits) => void;
  onKeep: () => void;
}

/** The last step: limits, consent, and the deletion. */
export function ConfirmCard({ run, id, plan, deletion, onDelete, onKeep }: ConfirmCardProps) {
  const { action } = run.request;
  const execute = useExecute(id);
  if (deletion !== null) return <DeletionProgress run={deletion} onCancelled={onKeep} />;
  if (plan.profiles === 0) {
    return (
      <Card title="4. Delete">
        <Notice kind="info" title="There is nothing to delete">
          No row finds anything that it could delete.
        </Notice>
      </Card>
    );
  }
  return (
    <Card title="4. Delete">
      <Approval run={run} plan={plan} />
      {action === "delete_profile" ? (
        <ExecuteForm id={id} action={action} count={plan.profiles} execute={execute} />
      ) : (
        // A plan of identifiers cannot be executed: the rows are sent once more, as a job that deletes.
        <ConfirmForm what={targets({ action }, plan.profiles)} onConfirm={onDelete}>
          {(limits) => <RowsAgain run={run} limits={limits} />}
        </ConfirmForm>
      )}
    </Card>
  );
}

/** What confirming does with the rows, and the command that does the same. */
function RowsAgain({ run: { rows, request }, limits }: { run: JobRun; limits: Limits }) {
  const { space } = useSession();
  const pages = rows.reading.firstRows.length;
  return (
    <>
      <p>
        {pages === 1
          ? "The rows are sent once more, by the request that confirms. After that this page can be closed."
          : `The rows are sent once more, on ${pages} pages, and then the job is started. Keep this page open until then: if it is closed before, the job stays open and deletes nothing.`}{" "}
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

/** That somebody else has to approve the job, and who may. */
function Approval({ run: { request }, plan }: { run: JobRun; plan: Schemas["Plan"] }) {
  const { approval_over: most } = useSession().details.space;
  const { action, group } = request;
  // A plan is executed by as many rows as it has found profiles.
  const rows = action === "delete_profile" ? plan.profiles : plan.rows;
  if (most === null || most === undefined || (rows <= most && group === null)) return null;
  return (
    <Notice kind="info" title={`Somebody else ${rows > most ? "has" : "may have"} to approve this job`}>
      In this space one person may delete {plural(most, "row")} alone
      {group !== null && ", all jobs of the group together"}. The job waits until another token approves it. Roles that
      may: {rolesWith(permissionFor(request)).join(", ")}.
    </Notice>
  );
}
