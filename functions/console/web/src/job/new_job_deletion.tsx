import { useEffect } from "react";
import { Button } from "../ui/button.tsx";
import { Focused } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { navigate } from "../ui/route.tsx";
import { jobRoute } from "./job_link.tsx";
import { CancelJob } from "./new_job_leave.tsx";
import { RunProgress, useRun } from "./new_job_progress.tsx";
import type { JobRun } from "./new_job_run.ts";

/** The making of the job that deletes. When it is started, its own screen is shown: it can be undone there. */
export function DeletionProgress({ run, onCancelled }: { run: JobRun; onCancelled: () => void }) {
  const { step, job } = useRun(run);
  const id = step === "started" ? (job?.id ?? null) : null;
  useEffect(() => {
    if (id !== null) navigate(jobRoute(id));
  }, [id]);
  return (
    <Card title="4. Delete">
      <Focused label="The job">
        <RunProgress run={run} onCancelled={onCancelled} />
        {step === "held" && job !== null && (
          <Notice kind="warning" title="The rows took long to send">
            <div className="stack">
              <p>
                The time at which the job was to start is here, so it starts at once, without time to undo it. Nothing
                was deleted yet.
              </p>
              <div className="actions">
                <Button kind="danger" onClick={() => void run.start()}>
                  Start now
                </Button>
                <CancelJob id={job.id} text="Cancel this job" onDone={onCancelled} />
              </div>
            </div>
          </Notice>
        )}
      </Focused>
    </Card>
  );
}
