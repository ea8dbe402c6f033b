import type { ReactNode } from "react";
import { Value } from "../ui/masked.tsx";
import { Table } from "../ui/table.tsx";
import { about } from "../ui/time.tsx";
import { JobLink, TokenName } from "./job_link.tsx";
import { OutcomeCell } from "./outcome_bar.tsx";
import type { Job } from "./query.ts";
import { StateTag } from "./state_tag.tsx";
import { actionOf, timeLeft } from "./words.ts";

/** Jobs, one a row. */
export function JobTable({ jobs, now, empty }: { jobs: readonly Job[]; now: Date; empty: ReactNode }) {
  return (
    <Table
      caption="Jobs"
      rows={jobs}
      rowKey={({ id }) => id}
      cells={(job) => ({
        Job: <JobLink id={job.id} text={actionOf(job)} />,
        State: <StateTag job={job} />,
        Group: <div className="text-cell">{job.group ? <Value text={job.group} /> : "–"}</div>,
        Rows: job.rows,
        Outcomes: <OutcomeCell of={job} isDryRun={job.dry_run} />,
        "Time left": timeLeft(job, now) ?? "–",
        Made: <Made job={job} now={now} />,
      })}
      empty={empty}
    />
  );
}

/** When and by whose token a job was made. */
function Made({ job, now }: { job: Job; now: Date }) {
  return (
    <>
      <Age at={job.created_at} now={now} />
      <div>
        <small>
          by <TokenName id={job.created_by} isShort />
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
