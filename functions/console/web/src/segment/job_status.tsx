import { JobLink } from "../job/job_link.tsx";
import { useNews } from "../job/news.ts";
import { useNow } from "../job/now.ts";
import type { Job } from "../job/query.ts";
import { StateTag } from "../job/state_tag.tsx";
import { doneOf, progressOf } from "../job/words.ts";
import { Notice } from "../ui/notice.tsx";
import { Progress } from "../ui/progress.tsx";

const TICK_MS = 5_000;

/** How the job stands that deletes the segment's users, while it is not over. */
export function JobStatus({ job }: { job: Job }) {
  const now = useNow(TICK_MS);
  useNews(job);
  return (
    <Notice
      kind="info"
      title={job.finished_at ? "The users of this segment were deleted" : "A job deletes the users of this segment"}
    >
      <div className="stack">
        <p>
          {job.state === "running" && <StateTag job={job} />} {progressOf(job, now)}
        </p>
        {job.rows > 0 && <Progress label="Rows with an outcome" done={doneOf(job)} all={job.rows} />}
        <p>
          <JobLink
            id={job.id}
            text={
              job.finished_at
                ? "Look at the job"
                : job.state === "scheduled"
                  ? "Undo or follow the job"
                  : "Follow, pause or cancel the job"
            }
          />
        </p>
      </div>
    </Notice>
  );
}
