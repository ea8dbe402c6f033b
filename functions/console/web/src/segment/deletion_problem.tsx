import { Problem } from "../api/problem.ts";
import { JobLink } from "../job/job_link.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { JobInProgress } from "./deletion.ts";

/** Why the deletion was not accepted, and whether a job may have been made: that is what one wants to know first. */
export function DeletionProblem({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  if (problem instanceof JobInProgress) {
    return (
      <Notice kind="info" title="The segment has a job that is not over">
        It may be the one that you have just confirmed: <JobLink id={problem.jobId} />
      </Notice>
    );
  }
  const isUncertain = problem instanceof Problem && (problem.status === 0 || problem.status >= 500);
  return (
    <>
      {isUncertain ? (
        <Notice kind="warning" title="It is not certain whether the job was made">
          Try again. A segment has one job at a time, so nobody is deleted twice.
        </Notice>
      ) : (
        <Notice kind="info" title="Nobody was deleted">
          The request was rejected.
        </Notice>
      )}
      <ProblemNotice problem={problem} onRetry={onRetry} />
    </>
  );
}
