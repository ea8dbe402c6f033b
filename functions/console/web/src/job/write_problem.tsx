import { isProblem, Problem } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { Focused } from "../ui/focused.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Link } from "../ui/route.tsx";
import type { useWrite } from "../ui/write.ts";
import { useNow } from "./now.ts";
import { isLate } from "./start_at.ts";

/** What {@link useWrite} says of a request. */
type Write = Pick<ReturnType<typeof useWrite>, "problem" | "isUncertain" | "isPending" | "isOwn" | "again" | "forget">;

/** Why a request that changes something has failed, and that it may be sent again. */
export function WriteProblem({ write: { problem, isUncertain } }: { write: Write }) {
  if (problem === null) return null;
  return (
    <>
      <ProblemNotice problem={problem} />
      {(isUncertain || (problem instanceof Problem && problem.isPassing)) && (
        <small>
          {isProblem(problem, 429)
            ? "Wait a second, then press the button again."
            : "Press the button again: it sends the same request, and nothing happens twice."}
        </small>
      )}
    </>
  );
}

/**
 * In place of the form of a deletion whose response was lost: only the same request is sent again, and none where it would
 * start the deletion at once. After that somebody looks, and may confirm anew.
 */
export function LostDeletion({
  write,
  startAt,
  onClose,
}: {
  write: Write;
  startAt: string;
  onClose?: (() => void) | undefined;
}) {
  const isOver = isLate(startAt, useNow(1_000)) || !write.isOwn;
  return (
    <Focused label="What became of the request">
      <Notice kind="warning" title="It is not certain whether the deletion was confirmed">
        {isOver
          ? `${write.isOwn ? "The time for undoing is over" : "It was sent with another token"}, so the request is not sent again. If it has arrived, its job is in Jobs, and can be undone there until it starts. Confirm anew only if it is not there, or nobody has confirmed it yet.`
          : "Try again sends the same request: if it has arrived before, nothing happens twice."}
      </Notice>
      {write.problem !== null && <ProblemNotice problem={write.problem} />}
      <div className="actions">
        {isOver ? (
          <Button isBusy={write.isPending} onClick={write.forget}>
            I have looked: it is not confirmed
          </Button>
        ) : (
          <Button kind="primary" isBusy={write.isPending} onClick={() => isLate(startAt) || write.again()}>
            Try again
          </Button>
        )}
        <Link href="/jobs">Look in Jobs</Link>
        {onClose && <Button onClick={onClose}>Close</Button>}
      </div>
    </Focused>
  );
}
