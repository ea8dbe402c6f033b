import { Problem } from "../api/problem.ts";
import { ProblemNotice } from "../ui/notice.tsx";

/** Why a request that changes something has failed, and that it may be sent again. */
export function WriteProblem({ problem }: { problem: Error | null }) {
  if (problem === null) return null;
  return (
    <>
      <ProblemNotice problem={problem} />
      {problem instanceof Problem && problem.isPassing && (
        <small>Press the button again: it sends the same request, and nothing happens twice.</small>
      )}
    </>
  );
}
