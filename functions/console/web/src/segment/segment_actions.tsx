import { useState } from "react";
import { useReason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { DeleteUsers } from "./delete_users.tsx";
import { segmentPath, useSwitch } from "./query.ts";
import { deleteReason, enableReason, type Segment } from "./words.ts";

interface SegmentActionsProps {
  segment: Segment;
  /** Its members, where they are counted. */
  members: number | null | undefined;
}

/** What can be done with a segment. Who may not delete its users does not see that one can: the seed says so. */
export function SegmentActions({ segment, members }: SegmentActionsProps) {
  const { space } = useSession().details;
  const mayNot = useReason("manage_segments");
  const [isDeleting, setDeleting] = useState(false);
  const isDisabled = segment.state === "disabled";
  const to = isDisabled ? "enable" : "disable";
  const { run, isPending, problem } = useSwitch(segment.id, () => {
    announce(isDisabled ? "The segment is enabled." : "The segment is disabled.");
  });
  const reason = mayNot ?? (isDisabled ? enableReason(segment) : null);
  return (
    <Card title="Actions">
      <div className="actions">
        <Button reason={reason} isBusy={isPending} onClick={() => run(to)}>
          {isDisabled ? "Enable" : "Disable"}
        </Button>
        {mayNot === null && (
          <Button
            kind="danger"
            reason={deleteReason(segment, members, space.activated)}
            onClick={() => setDeleting(true)}
          >
            Delete All Users in Segment
          </Button>
        )}
      </div>
      <p className="soft">
        {isDisabled
          ? "Disabled: nobody joins the segment, and nobody leaves it but by being deleted."
          : "To disable a segment deletes nobody: it only takes no members any more."}
      </p>
      {problem !== null && <ProblemNotice problem={problem} onRetry={() => run(to)} />}
      <Commands method="POST" path={`${segmentPath(segment.id)}/${to}`} command={["segments", to, segment.id]} />
      {isDeleting && <DeleteUsers segment={segment} onClose={() => setDeleting(false)} />}
    </Card>
  );
}
