import { Problem } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Notice, ProblemNotice } from "./notice.tsx";

interface DeletionProblemProps {
  /** Why the last request has failed. Nothing where that was before this dialog was opened. */
  problem: unknown;
  /** Whether a response was lost, to this request or to an earlier one under its key. See `useWrite`. */
  isUncertain: boolean;
  /** False where nobody agrees to the deletion now. */
  onRetry: (() => void) | false;
}

/** Why a deletion has failed, and whether it may have deleted anything: that is what one wants to know first. */
export function DeletionProblem({ problem, isUncertain, onRetry }: DeletionProblemProps) {
  if (!isUncertain) return <Rejected problem={problem} onRetry={onRetry} />;
  return (
    <>
      <Notice kind="warning" title="It is not certain whether it was deleted">
        Try again: it is the same request, and it is never carried out twice.{" "}
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
      </Notice>
      {Boolean(problem) && <ProblemNotice problem={problem} />}
    </>
  );
}

/** Why a deletion was rejected. */
export function Rejected({ problem, onRetry }: Omit<DeletionProblemProps, "isUncertain">) {
  const known = problem instanceof Problem ? problem : null;
  return (
    <>
      <Notice kind="info" title="This request has deleted nothing">
        {reasonOf(known?.status)}
      </Notice>
      <ProblemNotice problem={problem} onRetry={known?.isPassing && onRetry} />
    </>
  );
}

function reasonOf(status: number | undefined): string {
  if (status === 429) return "The limit of the space was reached. Wait a second, then try again.";
  if (status !== 404) return "The request was rejected.";
  return "It is not there any more: somebody may have deleted it meanwhile. Cancel, and look again.";
}
