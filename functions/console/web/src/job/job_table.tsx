import type { ReactNode } from "react";
import { useSession } from "../session/session.ts";
import { Value } from "../ui/masked.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { about, number } from "../ui/time.tsx";
import { JobLink, TokenName } from "./job_link.tsx";
import { OutcomeCell } from "./outcome_bar.tsx";
import type { Job } from "./query.ts";
import { StateTag } from "./state_tag.tsx";
import { actionOf, timeLeft } from "./words.ts";

/** Jobs, one a row. */
export function JobTable({ jobs, now, empty }: { jobs: readonly Job[]; now: Date; empty: ReactNode }) {
  const own = useSession().details.token.id;
  const columns: Column<Job>[] = [
    { head: "Job", cell: (job) => <JobLink id={job.id} text={actionOf(job)} /> },
    { head: "State", cell: (job) => <StateTag job={job} /> },
    { head: "Group", cell: ({ group }) => <div className="text-cell">{group ? <Value text={group} /> : "–"}</div> },
    { head: "Rows", isNumber: true, cell: ({ rows }) => number(rows) },
    { head: "Outcomes", cell: (job) => <OutcomeCell of={job} isDryRun={job.dry_run} /> },
    { head: "Time left", cell: (job) => timeLeft(job, now) ?? "–" },
    { head: "Made", cell: (job) => <Made job={job} now={now} own={own} /> },
  ];
  return <Table caption="Jobs" columns={columns} rows={jobs} rowKey={({ id }) => id} empty={empty} />;
}

/** When and by whose token a job was made. */
function Made({ job, now, own }: { job: Job; now: Date; own: string }) {
  return (
    <>
      <Age at={job.created_at} now={now} />
      <div>
        <small>
          by <TokenName id={job.created_by} own={own} isShort />
        </small>
      </div>
    </>
  );
}

/** How long ago something was. */
export function Age({ at, now }: { at: string; now: Date }) {
  const seconds = Math.max(0, (now.getTime() - Date.parse(at)) / 1_000);
  return (
    <time className="nowrap" dateTime={at} title={new Date(at).toLocaleString()}>
      {about(seconds)} ago
    </time>
  );
}
