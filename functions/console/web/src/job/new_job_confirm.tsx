import type { Schemas } from "../api/client.ts";
import { rolesWith } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import { permissionFor } from "./control.ts";
import { ExecuteForm } from "./execute_form.tsx";
import { type DeletionProps, RowDeletion } from "./new_job_deletion.tsx";
import type { JobRun } from "./new_job_run.ts";

/** The last step: limits, consent, and the deletion. `id` is the dry run's. */
export function ConfirmCard({ id, ...props }: DeletionProps & { id: string }) {
  const { run, plan, confirmed } = props;
  const { action } = run.request;
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
        <ExecuteForm id={id} action={action} count={plan.profiles} execute={confirmed.execute} />
      ) : (
        <RowDeletion {...props} />
      )}
    </Card>
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
