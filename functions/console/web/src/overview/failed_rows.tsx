import { JobLink } from "../job/job_link.tsx";
import { useListable } from "../job/listable.ts";
import { actionOf } from "../job/words.ts";
import { Empty, Forbidden, Loaded } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { plural } from "../ui/time.tsx";
import { useFailedRows } from "./query.ts";

/** Rows that failed and can be tried again, by job. */
export function FailedRows() {
  const { jobs, why } = useListable();
  return (
    <Card title="Failed rows">
      {jobs === "none" ? <Forbidden what="failed rows" reason={why} /> : <Listed jobs={jobs} />}
    </Card>
  );
}

function Listed({ jobs }: { jobs: "all" | "own" }) {
  return (
    <Loaded query={useFailedRows(jobs)} what="the failed rows">
      {({ jobs: failed, failed: rows }) =>
        failed.length === 0 && rows === 0 ? (
          <Empty title="No row has failed." />
        ) : (
          <div className="stack">
            <p>{plural(rows, "row")} failed in all. A job's failed rows can be tried again on its page.</p>
            <ul>
              {failed.map((job) => (
                <li key={job.id}>
                  <JobLink id={job.id} text={actionOf(job)} /> · {plural(job.counts.failed ?? 0, "row")}
                </li>
              ))}
            </ul>
            {failed.length === 0 && <p className="soft">None of the newest jobs has failed rows.</p>}
          </div>
        )
      }
    </Loaded>
  );
}
