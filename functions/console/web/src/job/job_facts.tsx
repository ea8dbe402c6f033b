import { useSession } from "../session/session.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Facts } from "../ui/facts.tsx";
import { Value } from "../ui/masked.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { number, Time } from "../ui/time.tsx";
import { JobLink, TokenName } from "./job_link.tsx";
import type { Job } from "./query.ts";

/** What a job is, who made it, and when it did what. */
export function JobFacts({ job }: { job: Job }) {
  const own = useSession().details.token.id;
  const time = (at: string | null | undefined) => (at ? <Time at={at} /> : null);
  const count = (value: number | null | undefined) => (typeof value === "number" ? number(value) : null);
  return (
    <Card title="Facts">
      <Facts
        facts={[
          ["Job", <Id key="job" id={job.id} />],
          ["Made by", <TokenName key="by" id={job.created_by} own={own} />],
          ["Made", time(job.created_at)],
          ["Approved", job.approvals.length > 0 ? <Approvals key="approvals" job={job} own={own} /> : null],
          ["Start time", time(job.start_at)],
          ["Started", time(job.started_at)],
          ["Finished", time(job.finished_at)],
          ["Verified", job.state === "completed" ? <Verified key="verified" at={job.verified_at} /> : null],
          ["Group", job.group ? <Value key="group" text={job.group} /> : null],
          ["Max deletions", count(job.max_deletions)],
          ["Executes the plan of", job.plan_job_id ? <JobLink key="plan" id={job.plan_job_id} /> : null],
          ["Segment", job.segment_id ? <SegmentLink key="segment" id={job.segment_id} /> : null],
          ["Expected members", count(job.expected_members)],
          ["Members left", count(job.members_left)],
          ["Looks again at", time(job.settles_at)],
          ["Afterwards", job.segment_id ? afterwards(job) : null],
        ]}
      />
    </Card>
  );
}

function Id({ id }: { id: string }) {
  return (
    <>
      <span className="id">{id}</span> <CopyButton label="Copy" text={() => id} />
    </>
  );
}

function Approvals({ job, own }: { job: Job; own: string }) {
  return (
    <ul>
      {job.approvals.map(({ at, token_id }) => (
        <li key={`${at} ${token_id}`}>
          <TokenName id={token_id} own={own} />, <Time at={at} />
        </li>
      ))}
    </ul>
  );
}

function Verified({ at }: { at: string | null | undefined }) {
  if (!at) return <>Not yet. The outcomes are read again within minutes.</>;
  return (
    <>
      <Time at={at} />. The outcomes were read again, and add up to the counts.
    </>
  );
}

function SegmentLink({ id }: { id: string }) {
  return (
    <Link href={`/segments/${encodeURIComponent(id)}`}>
      <Value text={id} />
    </Link>
  );
}

function afterwards({ auto_enable, dry_run }: Job): string | null {
  if (dry_run) return null;
  return auto_enable ? "The segment is enabled if everybody is deleted." : "The segment stays disabled.";
}
