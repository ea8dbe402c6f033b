import { UNDO_SECONDS } from "../job/start_at.ts";
import { useSession } from "../session/session.ts";
import { Lines } from "../ui/lines.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { number, plural } from "../ui/time.tsx";
import type { Conflict, Consequences } from "./deletion.ts";
import { DryRun, type DryRunProps } from "./dry_run.tsx";
import { followsFrom } from "./words.ts";

interface WhatFollowsProps {
  told: Consequences;
  /** The members by now, where the API has said that they are others than were agreed to. */
  changed: Conflict | null;
  /** The members that somebody is to agree to. */
  members: number | null;
  dryRun: DryRunProps;
}

/** What follows from the deletion of all members, before somebody agrees to it. */
export function WhatFollows({ told, changed, members, dryRun }: WhatFollowsProps) {
  const { approval_over } = useSession().details.space;
  if (told.members === 0) {
    return (
      <Notice kind="info" title="There is nobody to delete">
        The segment has no members now.
      </Notice>
    );
  }
  const needsApproval = typeof approval_over === "number" && members !== null && members > approval_over;
  return (
    <div className="stack">
      {changed === null ? (
        <Lines of={followsFrom(told)} />
      ) : (
        <ProblemNotice
          kind="warning"
          problem={changed}
          title={`The segment has ${plural(changed.beside.members ?? 0, "member")} now`}
        >
          That is not what you have agreed to, so nobody was deleted. Look again, and agree to this number.
        </ProblemNotice>
      )}
      <DryRun {...dryRun} />
      <p>
        The job starts {UNDO_SECONDS} seconds after you confirm, also when this page is closed. Until then <b>Undo</b>{" "}
        on the job's screen cancels it, and nobody is deleted. It deletes who is in the segment by then; nobody, if
        their number is another by more than 1 %.
      </p>
      {needsApproval && (
        <Notice kind="info" title="Somebody else must approve it">
          A job with more than {number(approval_over)} rows waits until another token approves it.
        </Notice>
      )}
    </div>
  );
}
