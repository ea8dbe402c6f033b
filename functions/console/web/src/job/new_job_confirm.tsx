import { useQueryClient } from "@tanstack/react-query";
import { api, body, type Schemas } from "../api/client.ts";
import { rolesWith } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Commands } from "../ui/commands.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { navigate } from "../ui/route.tsx";
import { plural } from "../ui/time.tsx";
import { useWrite } from "../ui/write.ts";
import { ConfirmForm, type Limits } from "./new_job_confirm_form.tsx";
import { DeletionProgress } from "./new_job_deletion.tsx";
import type { JobRun } from "./new_job_run.ts";
import { keepJob } from "./query.ts";
import { startAt } from "./start_at.ts";
import { targets } from "./words.ts";
import { WriteProblem } from "./write_problem.tsx";

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
export function ConfirmCard(props: ConfirmCardProps) {
  const { run, plan, deletion, onKeep } = props;
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
      {run.request.action === "delete_profile" ? <Execution {...props} /> : <FromRows {...props} />}
    </Card>
  );
}

/** That somebody else has to approve the job, and who may. */
function Approval({ run, plan }: { run: JobRun; plan: Schemas["Plan"] }) {
  const { approval_over: most } = useSession().details.space;
  const { action, group } = run.request;
  // A plan is executed by as many rows as it has found profiles.
  const rows = action === "delete_profile" ? plan.profiles : plan.rows;
  if (most === null || most === undefined || (rows <= most && group === null)) return null;
  const permission = action === "delete_profile" ? "delete_profiles" : "delete_identifiers";
  return (
    <Notice
      kind="info"
      title={rows > most ? "Somebody else has to approve this job" : "Somebody else may have to approve this job"}
    >
      In this space one person may delete {plural(most, "row")} alone
      {group !== null && ", all jobs of the group together"}. The job waits until another token approves it. Roles that
      may: {rolesWith(permission).join(", ")}.
    </Notice>
  );
}

/** Executes the plan: the job deletes the profiles that the dry run found, and no others. */
function Execution({ id, plan, run: { request } }: ConfirmCardProps) {
  const { space } = useSession();
  const client = useQueryClient();
  const execute = useWrite(
    ({ maxDeletions, startAt: chosen }: Limits, key) =>
      body(
        api.POST("/v1/spaces/{space_id}/deletion_jobs/{job_id}/execute", {
          params: { path: { space_id: space, job_id: id }, header: { "Idempotency-Key": key } },
          body: { start_at: chosen ?? startAt(key), ...(maxDeletions === null ? {} : { max_deletions: maxDeletions }) },
        }),
      ),
    ({ job }) => {
      keepJob(client, job);
      navigate(`/jobs/${encodeURIComponent(job.id)}`);
    },
  );
  return (
    <ConfirmForm what={targets(request, plan.profiles)} isBusy={execute.isPending} onConfirm={execute.run}>
      {({ maxDeletions, startAt: chosen }) => (
        <>
          <p>
            The job deletes the profiles that the dry run has found, and nobody else. A profile to which something was
            added since is left alone.
          </p>
          <WriteProblem problem={execute.problem} />
          <Commands
            request={{
              method: "POST",
              path: `/v1/spaces/${encodeURIComponent(space)}/deletion_jobs/${encodeURIComponent(id)}/execute`,
              body: { ...(chosen && { start_at: chosen }), ...(maxDeletions && { max_deletions: maxDeletions }) },
              isOnce: true,
            }}
            command={[
              ...["jobs", "execute", id],
              ...(maxDeletions === null ? [] : ["--max-deletions", String(maxDeletions)]),
              ...(chosen === null ? [] : ["--start-at", chosen]),
            ]}
          />
        </>
      )}
    </ConfirmForm>
  );
}

/** Sends the rows once more, as a job that deletes: a plan of identifiers cannot be executed. */
function FromRows({ plan, run, onDelete }: ConfirmCardProps) {
  return (
    <ConfirmForm what={targets(run.request, plan.profiles)} isBusy={false} onConfirm={onDelete}>
      {() => (
        <p>
          The rows are sent once more, and the job starts when all of them are there. Keep this page open until then. A
          dry run does not see that a row may delete the user_id by which another row finds its profile: such rows may
          turn out protected.
        </p>
      )}
    </ConfirmForm>
  );
}
