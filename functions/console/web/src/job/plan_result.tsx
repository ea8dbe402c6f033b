import { Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { comparisonOf } from "./comparison.ts";
import { JobLink } from "./job_link.tsx";
import { type Job, useJob } from "./query.ts";

/** What a plan has found, beside what its execution has come to. */
export function PlanResult({ job, planId }: { job: Job; planId: string }) {
  const plan = useJob(planId);
  return (
    <Card title="Plan and result">
      <p>
        This job executes the plan of <JobLink id={planId} />: it deletes the profiles that the plan found, and nobody
        else.
      </p>
      <Loaded query={plan} what="the plan">
        {(planned) => (
          <Table
            caption="Planned and actual numbers"
            rows={comparisonOf(planned, job)}
            rowKey={({ name }) => name}
            cells={({ name, plan, result }) => ({ Profiles: name, Plan: plan ?? "–", Result: result ?? "–" })}
          />
        )}
      </Loaded>
    </Card>
  );
}
