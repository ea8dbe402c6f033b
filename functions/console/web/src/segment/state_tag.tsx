import type { Segment } from "./words.ts";

/** Whether a segment takes members. */
export function SegmentState({ state }: Pick<Segment, "state">) {
  return state === "disabled" ? (
    <span className="tag warning">Disabled</span>
  ) : (
    <span className="tag good">Enabled</span>
  );
}
