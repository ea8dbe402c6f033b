import { Problem } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Notice, ProblemNotice } from "./notice.tsx";

interface DeletionProblemProps {
  /** Why the last request has failed. Nothing where that was before this dialog was opened. */
  problem: unknown;
  /** Whether a response was lost, to this request or to an earlier one under its key. See `useWrite`. */
  isUncertain: boolean;
  /** What may have happened, after "whether". */
  what: string;
  /** Why it does not happen twice, after "Try again:". */
  isOnce: string;
  onRetry: () => void;
}

/** Why a deletion has failed, and whether it may have deleted anything: that is what one wants to know first. */
export function DeletionProblem({ problem, isUncertain, what, isOnce, onRetry }: DeletionProblemProps) {
  if (!isUncertain) return <Rejected problem={problem} onRetry={onRetry} />;
  return (
    <>
      <Notice kind="warning" title={`It is not certain whether ${what}`}>
        Try again: {isOnce} <Button onClick={onRetry}>Try again</Button>
      </Notice>
      {Boolean(problem) && <ProblemNotice problem={problem} />}
    </>
  );
}

/** Why a deletion was rejected. */
export function Rejected({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  const known = problem instanceof Problem ? problem : null;
  return (
    <>
      <Notice kind="info" title="This request has deleted nothing">
        {reasonOf(known?.status)}
      </Notice>
      <ProblemNotice problem={problem} {...(known?.isPassing && { onRetry })} />
    </>
  );
}

function reasonOf(status: number | undefined): string {
  if (status === 429) return "The limit of the space was reached. Wait a second, then try again.";
  if (status !== 404) return "The request was rejected.";
  return "It is not there any more: somebody may have deleted it meanwhile. Cancel, and look again.";
}
