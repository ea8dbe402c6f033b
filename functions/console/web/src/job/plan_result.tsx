import { Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { number } from "../ui/time.tsx";
import { type ComparedLine, comparisonOf } from "./comparison.ts";
import { JobLink } from "./job_link.tsx";
import { type Job, useJob } from "./query.ts";

const told = (count: number | null) => (count === null ? "–" : number(count));

const COLUMNS: Column<ComparedLine>[] = [
  { head: "Profiles", cell: ({ name }) => name },
  { head: "Plan", isNumber: true, cell: ({ plan }) => told(plan) },
  { head: "Result", isNumber: true, cell: ({ result }) => told(result) },
];

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
            columns={COLUMNS}
            rows={comparisonOf(planned, job)}
            rowKey={({ name }) => name}
            empty={null}
          />
        )}
      </Loaded>
    </Card>
  );
}
