import { useListable } from "../job/listable.ts";
import { WaysToStart } from "../job/ways_to_start.tsx";
import { useReason } from "../session/permission.ts";
import { Empty } from "../ui/loaded.tsx";
import { useDeletionCounts, useFailedRows } from "./query.ts";

/** How to start, where no job has deleted anything, and nothing was deleted on the days that are counted. */
export function NothingYet() {
  const { jobs } = useListable();
  const { data: days } = useDeletionCounts(useReason("read_deletions") === null);
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
