import { type ReactNode, useState } from "react";
import { Problem } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { CheckField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";

interface ConsentProps {
  /** What is deleted, after "Delete". */
  what: string;
  isBusy: boolean;
  /** Why the deletion has failed. */
  problem: unknown;
  onConfirm: () => void;
  onCancel: () => void;
}

/** The consent to a deletion. Nothing is sent before its box is ticked and its button is pressed. */
export function Consent({ what, isBusy, problem, onConfirm, onCancel }: ConsentProps) {
  const [isTicked, setTicked] = useState(false);
  return (
    <>
      <CheckField
        label={`Delete ${what}. I have checked that this is the right person, and I know that it cannot be undone.`}
        checked={isTicked}
        disabled={isBusy}
        onChange={(event) => setTicked(event.target.checked)}
      />
      {problem !== null && !isBusy && <DeletionProblem problem={problem} onRetry={onConfirm} />}
      <div className="actions">
        <Button kind="danger" reason={isTicked ? null : "Tick the box first."} isBusy={isBusy} onClick={onConfirm}>
          Confirm Delete
        </Button>
        <Button reason={isBusy ? "Wait for the response." : null} onClick={onCancel}>
          Cancel
        </Button>
      </div>
    </>
  );
}

/** Why a deletion has failed, and whether it may have deleted anything: that is what one wants to know first. */
function DeletionProblem({ problem, onRetry }: { problem: unknown; onRetry: () => void }) {
  const status = problem instanceof Problem ? problem.status : null;
  const isUncertain = status === 0 || (status !== null && status >= 500);
  if (isUncertain) {
    return (
      <>
        <Notice kind="warning" title="It is not certain whether it was deleted">
          Try again: it is the same request, and it is never carried out twice.
        </Notice>
        <ProblemNotice problem={problem} onRetry={onRetry} />
      </>
    );
  }
  return (
    <>
      <Notice kind="info" title="This request has deleted nothing">
        {reasonOf(status)}
      </Notice>
      {status === 429 ? <ProblemNotice problem={problem} onRetry={onRetry} /> : <ProblemNotice problem={problem} />}
    </>
  );
}

function reasonOf(status: number | null): ReactNode {
  if (status === 429) return "The limit of the space was reached. Wait a second, then try again.";
  if (status === 404)
    return "It is not there any more: somebody may have deleted it meanwhile. Cancel, and look again.";
  return "The request was rejected.";
}
