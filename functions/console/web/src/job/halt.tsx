import { rolesWith } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { Time } from "../ui/time.tsx";
import { permissionFor } from "./control.ts";
import { TokenName } from "./job_link.tsx";
import { type Job, useEvents } from "./query.ts";

/** Who or what has paused a job, as far as its timeline is loaded. */
export function PausedBy({ job }: { job: Job }) {
  const own = useSession().details.token.id;
  const events = useEvents(job.id).data?.pages.flatMap(({ data }) => data) ?? [];
  const paused = events.findLast(({ kind }) => kind === "paused");
  if (paused === undefined) return null;
  return (
    <p>
      <bdi>{paused.text}</bdi>{" "}
      {paused.token_id && (
        <>
          By <TokenName id={paused.token_id} own={own} />,{" "}
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
        ? `The segment has ${job.expected_members.toLocaleString("en-US")} members, and somebody else must approve that they are deleted.`
        : `It has more rows than one person may delete in this space${limit ? ` (${limit.toLocaleString("en-US")})` : ""}.`}{" "}
      It takes another token than the one that made it. Roles that may: {rolesWith(permissionFor(job)).join(", ")}.
    </p>
  );
}
