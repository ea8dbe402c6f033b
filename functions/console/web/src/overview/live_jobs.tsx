import { serverNow } from "../api/clock.ts";
import { JobLink } from "../job/job_link.tsx";
import { Age } from "../job/job_table.tsx";
import { useListable } from "../job/listable.ts";
import { OutcomeBar } from "../job/outcome_bar.tsx";
import type { Job } from "../job/query.ts";
import { StateTag } from "../job/state_tag.tsx";
import { actionOf, progressOf } from "../job/words.ts";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Link } from "../ui/route.tsx";
import { oldestWaiting } from "./live.ts";
import { useLiveJobs } from "./query.ts";

/** How many jobs the card shows. */
const SHOWN = 8;

/** Jobs that run or wait, and the one that has waited for longest. */
export function LiveJobs() {
  const { jobs, why } = useListable();
  return (
    <Card title="Running and waiting jobs" actions={<Link href="/jobs">All jobs</Link>}>
      {jobs === "none" ? <Forbidden what="jobs" reason={why} /> : <Listed jobs={jobs} />}
      {jobs === "own" && <p className="soft">Only jobs that your token made. {why}</p>}
    </Card>
  );
}

function Listed({ jobs }: { jobs: "all" | "own" }) {
  const query = useLiveJobs(jobs);
  return (
    <Loaded query={query} what="the jobs">
      {({ jobs: live, isComplete }) => {
        if (live.length === 0) return <Empty title="No job runs or waits." />;
        const oldest = oldestWaiting(live);
        return (
          <div className="stack">
            <ul className="live">
              {live.slice(0, SHOWN).map((job) => (
                <LiveJob key={job.id} job={job} />
              ))}
            </ul>
            {(live.length > SHOWN || !isComplete) && (
              <p className="soft">
                {isComplete ? "" : "At least "}
                {live.length - Math.min(live.length, SHOWN)} more are in the list of jobs.
              </p>
            )}
            {oldest && (
              <p>
                Waiting for longest: <JobLink id={oldest.id} text={actionOf(oldest)} />, made{" "}
                <Age at={oldest.created_at} now={serverNow()} />.
              </p>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

function LiveJob({ job }: { job: Job }) {
  return (
    <li>
      <div className="card-head">
        <JobLink id={job.id} text={actionOf(job)} />
        <StateTag job={job} />
      </div>
      <OutcomeBar {...job} />
      <small>{progressOf(job, serverNow())}</small>
    </li>
  );
}
