import { JobLink } from "../job/job_link.tsx";
import { isOver } from "../job/poll.ts";
import type { Job } from "../job/query.ts";
import { StateTag } from "../job/state_tag.tsx";
import { verdictOf } from "../job/words.ts";
import { Empty } from "../ui/loaded.tsx";
import { Card } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import type { Segment } from "./words.ts";

interface NotificationsProps extends Pick<Segment, "notifications"> {
  /** The job that deletes the segment's users, or did so last. */
  job: Job | null;
}

/** The last things that happened to the segment's job, the newest first. */
export function Notifications({ job, notifications }: NotificationsProps) {
  return (
    <Card title="Notifications">
      {job !== null && isOver(job) && (
        <p>
          The last job: <JobLink id={job.id} /> <StateTag job={job} /> {verdictOf(job)}
        </p>
      )}
      {notifications.length === 0 ? (
        <Empty title="Nobody has deleted the users of this segment." />
      ) : (
        <ol className="timeline">
          {notifications.map(({ at, kind, text, job_id }) => (
            <li key={`${at} ${kind} ${text}`}>
              <small>
                <Time at={at} />
              </small>
              <span>
                <bdi>{text}</bdi> <JobLink id={job_id} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
