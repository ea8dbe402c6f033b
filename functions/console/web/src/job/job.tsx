import { Empty, Loaded } from "../ui/loaded.tsx";
import { Card, Page } from "../ui/page.tsx";
import { JobControls } from "./job_controls.tsx";
import { JobEvents } from "./job_events.tsx";
import { JobFacts } from "./job_facts.tsx";
import { JobOutcomes } from "./job_outcomes.tsx";
import { JobProgress } from "./job_progress.tsx";
import { JobReceipt } from "./job_receipt.tsx";
import { useNews } from "./news.ts";
import { PlanView } from "./plan.tsx";
import { PlanResult } from "./plan_result.tsx";
import { type Job, useJob } from "./query.ts";
import { Schedule } from "./schedule.tsx";
import { actionOf, tabOf } from "./words.ts";

/** A job: how far it is, what can be done about it, and what it has come to. */
export function JobScreen({ id }: { id: string }) {
  const job = useJob(id);
  useNews(job.data);
  const { data } = job;
  return (
    <Page title={data ? actionOf(data) : "Job"} tab={data ? tabOf(data) : "Job"}>
      <Loaded query={job} what="the job">
        {(found) => <JobView job={found} />}
      </Loaded>
    </Page>
  );
}

function JobView({ job }: { job: Job }) {
  return (
    <div className="stack">
      {job.state === "scheduled" && <Schedule job={job} />}
      <JobProgress job={job} />
      <JobControls job={job} />
      {job.plan && (
        <Card title="Plan">
          <PlanView plan={job.plan} action={job.action} />
        </Card>
      )}
      {job.plan_job_id && <PlanResult job={job} planId={job.plan_job_id} />}
      <div className="cards">
        <JobFacts job={job} />
        <JobEvents id={job.id} />
      </div>
      {job.rows === 0 && job.state === "open" ? (
        <Empty title="No rows yet.">
          <p>The job takes pages of rows until it is started.</p>
        </Empty>
      ) : (
        <JobOutcomes job={job} />
      )}
      <JobReceipt job={job} />
    </div>
  );
}
