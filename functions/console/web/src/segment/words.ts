import type { Schemas } from "../api/client.ts";
import { isOver } from "../job/poll.ts";
import { type Reason, SWITCHED_OFF } from "../session/permission.ts";

export type Segment = Schemas["SegmentStatus"];

const KINDS: ReadonlyMap<string, string> = new Map<Schemas["SegmentKind"], string>([
  ["user_segment", "User segment"],
  ["subscriber_list", "Subscriber list"],
  ["manual_segment", "Manual segment"],
]);

/** A kind in words; its name where this version does not know it. */
export function kindOf(kind: string): string {
  return KINDS.get(kind) ?? kind;
}

/** Whether the segment has a job that is not over. */
export function hasJobInTheWay(segment: Segment | undefined): boolean {
  return Boolean(segment?.job && !isOver(segment.job));
}

/** Why the users of a segment cannot be deleted now, though the role may. */
export function deleteReason(segment: Segment, members: number | null | undefined, isActivated: boolean): Reason {
  if (!isActivated) return SWITCHED_OFF;
  if (hasJobInTheWay(segment)) return "A job of this segment is not over. It is shown above.";
  if (members === 0) return "The segment has no members: there is nobody to delete.";
  return null;
}

/** Why a segment cannot be enabled now: from its turn on its job keeps it disabled. */
export function enableReason(segment: Segment): Reason {
  const isTaken = hasJobInTheWay(segment) && Boolean(segment.job?.started_at);
  return isTaken ? "Its job needs it disabled. It can be enabled when the job is over." : null;
}

/** What follows where the API cannot count the members in time, and so tells only programs what to do. */
const FOLLOWS = [
  "All members are deleted for good, with everything that was merged into them.",
  "The segment is disabled when the job starts: nobody joins it until it is enabled again.",
  "The job can be paused and cancelled. What is deleted stays deleted.",
];

/** What follows from the deletion of all members, in words. */
export function followsFrom({ members, consequences }: { members: number | null; consequences: readonly string[] }) {
  return members === null ? FOLLOWS : consequences;
}
