import { SegmentLink } from "../segment/segment_link.tsx";
import { Facts } from "../ui/facts.tsx";
import { Id } from "../ui/id.tsx";
import { Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { number, Time } from "../ui/time.tsx";
import { JobLink, TokenName } from "./job_link.tsx";
import type { Job } from "./query.ts";

/** What a job is, who made it, and when it did what. */
export function JobFacts({ job }: { job: Job }) {
  const time = (at: string | null | undefined) => at && <Time at={at} />;
  const count = (value: number | null | undefined) => (typeof value === "number" ? number(value) : null);
  return (
    <Card title="Facts">
      <Facts
        facts={{
          Job: <Id id={job.id} />,
          "Made by": <TokenName id={job.created_by} />,
          Made: time(job.created_at),
          Approved: job.approvals.length > 0 ? <Approvals job={job} /> : null,
          "Start time": time(job.start_at),
          Started: time(job.started_at),
          Finished: time(job.finished_at),
          Verified: job.state === "completed" ? <Verified at={job.verified_at} /> : null,
          Group: job.group && <Value text={job.group} />,
          "Max deletions": count(job.max_deletions),
          "Executes the plan of": job.plan_job_id && <JobLink id={job.plan_job_id} />,
          Segment: job.segment_id && <SegmentLink id={job.segment_id} />,
          "Expected members": count(job.expected_members),
          "Members left": count(job.members_left),
          "Looks again at": time(job.settles_at),
          Afterwards: job.segment_id && afterwards(job),
        }}
      />
    </Card>
  );
}

function Approvals({ job }: { job: Job }) {
  return (
    <ul>
      {job.approvals.map(({ at, token_id }) => (
        <li key={`${at} ${token_id}`}>
          <TokenName id={token_id} />, <Time at={at} />
        </li>
      ))}
    </ul>
  );
}

function Verified({ at }: { at: string | null | undefined }) {
  if (!at) return <>Not yet: it takes minutes.</>;
  return (
    <>
      <Time at={at} />. The outcomes were read again, and add up to the counts.
    </>
  );
}

function afterwards({ auto_enable, dry_run, finished_at, started_at }: Job): string | null {
  if (dry_run || (finished_at && !started_at)) return null;
  return auto_enable ? "The segment is enabled if everybody is deleted." : "The segment stays disabled.";
}
