import { rolesWith } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { number, Time } from "../ui/time.tsx";
import { permissionFor } from "./control.ts";
import { TokenName } from "./job_link.tsx";
import { type Job, useEvents } from "./query.ts";

/** Who or what has paused a job. Where its timeline is not loaded to the end, that may have been somebody else. */
export function PausedBy({ job }: { job: Job }) {
  const { data, hasNextPage } = useEvents(job.id);
  const paused = data?.pages.flatMap((page) => page.data).findLast(({ kind }) => kind === "paused");
  if (paused === undefined || hasNextPage) return null;
  return (
    <p>
      <bdi>{paused.text}</bdi>{" "}
      {paused.token_id && (
        <>
          By <TokenName id={paused.token_id} />,{" "}
        </>
      )}
      <Time at={paused.at} />
    </p>
  );
}

/** Who may let a job go on that nobody may delete alone. */
export function Approvers({ job }: { job: Job }) {
  const { details } = useSession();
  const limit = details.space.approval_over;
  return (
    <p>
      {job.segment_id && job.expected_members
        ? `The segment has ${number(job.expected_members)} members, and somebody else must approve that they are deleted.`
        : `It has more rows than one person may delete in this space${limit ? ` (${number(limit)})` : ""}.`}{" "}
      It takes another token than the one that made it. Roles that may: {rolesWith(permissionFor(job)).join(", ")}.
    </p>
  );
}
