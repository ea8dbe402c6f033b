import { WaysToStart } from "../job/ways_to_start.tsx";
import { Empty } from "../ui/loaded.tsx";
import { useDeletionCounts, useFailedRows, type useListable } from "./query.ts";

interface NothingYetProps {
  mayCount: boolean;
  listable: ReturnType<typeof useListable>;
}

/** How to start, where no job has deleted anything, and nothing was deleted on the days that are counted. */
export function NothingYet({ mayCount, listable: { jobs } }: NothingYetProps) {
  const { data: days } = useDeletionCounts(mayCount);
  const { data: completed } = useFailedRows(jobs === "own" ? "own" : "all", jobs !== "none");
  const isKnown = days !== undefined && (completed !== undefined || jobs === "none");
  const isSome = days?.some(({ identifiers, profiles }) => identifiers + profiles > 0) || completed?.deleted;
  if (!isKnown || isSome) return null;
  return (
    <Empty title="Nothing was deleted yet">
      <WaysToStart />
    </Empty>
  );
}
