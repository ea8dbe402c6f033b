import { useEffect } from "react";
import type { Schemas } from "../api/client.ts";
import type { Change } from "../rows/change.ts";
import type { Reason } from "../session/permission.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Focused } from "../ui/focused.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { Progress } from "../ui/progress.tsx";
import { plural } from "../ui/time.tsx";
import { BulkCommand } from "./bulk_command.tsx";
import type { Limits } from "./confirm_form.tsx";
import { JobLink } from "./job_link.tsx";
import { ConfirmCard } from "./new_job_confirm.tsx";
import type { Draft } from "./new_job_draft.ts";
import { NearMisses } from "./new_job_near_miss.tsx";
import { RunProgress, useRun } from "./new_job_progress.tsx";
import { RejectedRows } from "./new_job_rejections.tsx";
import { dryRunCommand } from "./new_job_request.ts";
import type { JobRun } from "./new_job_run.ts";
import type { Rows } from "./new_job_state.ts";
import { PlanView } from "./plan.tsx";
import { useJob } from "./query.ts";
import { doneOf, targets } from "./words.ts";

interface DryRunCardProps {
  /** The rows that were read; null where there are none that could be sent. */
  rows: Rows | null;
  action: Schemas["RowAction"];
  reason: Reason;
  run: JobRun | null;
  deletion: JobRun | null;
  confirmed: Draft["confirmed"];
  onRun: (changes: readonly Change[]) => void;
  onDelete: (limits: Limits) => void;
  onStart: () => void;
  onDiscard: () => void;
  /** Goes back to the plan. */
  onKeep: () => void;
}

/** The dry run, which comes before every deletion, and what it has found. */
export function DryRunCard(props: DryRunCardProps) {
  const { rows, action, reason, run, onRun, onDiscard } = props;
  if (run === null) {
    return (
      <Card title="3. Dry run">
        <p>The dry run looks up each row and shows what would be deleted. It deletes nothing.</p>
        <div className="actions">
          <Button kind="primary" reason={reason} onClick={() => onRun([])}>
            Make the dry run
          </Button>
          {rows !== null && !rows.isGiven && <BulkCommand command={dryRunCommand(action, rows.file.name)} />}
        </div>
      </Card>
    );
  }
  return <MadeDryRun {...props} run={run} onDiscard={onDiscard} />;
}

type MadeProps = DryRunCardProps & { run: JobRun };

function MadeDryRun(props: MadeProps) {
  const { run, deletion, confirmed, onDiscard } = props;
  const { step, job, plan: atOnce } = useRun(run);
  // Other rows are no matter any more.
  const isSettled = deletion !== null || confirmed.isBusy || confirmed.isUncertain;
  const isMade = step === "started" && job !== null;
  const id = job?.id ?? "";
  const followed = useJob(id, isMade && atOnce === null);
  const plan = atOnce ?? followed.data?.plan;
  return (
    <>
      <Card
        title="3. Dry run"
        actions={isMade && !isSettled ? <Button onClick={onDiscard}>Change the rows</Button> : undefined}
      >
        <Focused key={run.key} label="Dry run">
          <Changes run={run} />
          {!isMade && <RunProgress run={run} onCancelled={onDiscard} />}
          {isMade &&
            (plan ? <Planned {...props} id={id} plan={plan} isSettled={isSettled} /> : <Followed query={followed} />)}
        </Focused>
      </Card>
      {isMade && plan && <ConfirmCard {...props} id={id} plan={plan} />}
    </>
  );
}

/** That the rows are a copy, and what is changed in it. */
function Changes({ run }: { run: JobRun }) {
  const { changes } = run.rows;
  if (changes.length === 0) return null;
  const words = { lower: "in lower case", upper: "in upper case", plain: "without blanks and invisible characters" };
  return (
    <Notice kind="info" title="This is a copy of the rows">
      <ul>
        {changes.map(({ form, rows }) => (
          <li key={form}>
            {plural(rows.size, "row is", "rows are")} written {words[form]}.
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** How far a dry run is that has no plan yet. */
function Followed({ query }: { query: ReturnType<typeof useJob> }) {
  return (
    <Loaded query={query} what="the dry run">
      {(found) => (
        <div className="stack">
          <Progress label="Rows looked up" done={doneOf(found)} all={found.rows} />
          {found.state === "paused" || found.state === "cancelled" ? (
            <Notice kind="warning" title={`The dry run is ${found.state}`}>
              It has no plan, and nothing was deleted. <JobLink id={found.id} text="Look at it" />, or change the rows
              and make another one.
            </Notice>
          ) : (
            <p>
              You can leave this page: <JobLink id={found.id} text="the dry run" /> goes on, and shows its plan when it
              is done.
            </p>
          )}
        </div>
      )}
    </Loaded>
  );
}

/** What the dry run has found. Rows that are near misses are told below, with an offer. */
function Planned({
  run,
  plan,
  id,
  isSettled,
  onRun,
}: MadeProps & { id: string; plan: Schemas["Plan"]; isSettled: boolean }) {
  const { rejections } = useRun(run);
  const { changes } = run.rows;
  const text = `The dry run is done. ${targets(run.request, plan.profiles)} would be deleted.`;
  useEffect(() => announce(text), [text]);
  return (
    <>
      <PlanView
        plan={plan}
        action={run.request.action}
        nearMisses={
          !isSettled && <NearMisses job={id} plan={plan} run={run} onChange={(change) => onRun([...changes, change])} />
        }
      />
      <RejectedRows rejections={rejections} />
      <p className="soft">
        The plan is kept as <JobLink id={id} text="a job" />
        {run.request.action === "delete_profile" && ", where it can be executed within 7 days"}.
      </p>
    </>
  );
}
