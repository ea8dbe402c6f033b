import type { UseQueryResult } from "@tanstack/react-query";
import { Button } from "../ui/button.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { clockTime, number } from "../ui/time.tsx";
import type { Segment } from "./words.ts";

/** How many members a segment has, and as of when: the API counts them only when it is asked. */
export function Members({ count }: { count: UseQueryResult<Segment> }) {
  const { data, error, isFetching, refetch } = count;
  const again = () => void refetch();
  return (
    <div className="stack">
      <span>
        {data === undefined ? (isFetching ? "Counting …" : "Not counted") : countOf(data)}{" "}
        {data !== undefined && (
          <Button kind="quiet" isBusy={isFetching} onClick={again}>
            Count again
          </Button>
        )}
      </span>
      {error !== null && <ProblemNotice problem={error} onRetry={again} />}
    </div>
  );
}

function countOf({ members, counted_at }: Segment): string {
  if (members === null || members === undefined) return "Too many to be counted in 5 seconds.";
  return counted_at ? `${number(members)}, as of ${clockTime(new Date(counted_at))}` : number(members);
}
