import { useEffect, useState } from "react";
import { UNDO_SECONDS } from "../job/start_at.ts";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { CheckField } from "../ui/field.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { navigate } from "../ui/route.tsx";
import { plural } from "../ui/time.tsx";
import { MembersChanged, useConsequences, useDeletion, useDryRun } from "./deletion.ts";
import { DeletionProblem } from "./deletion_problem.tsx";
import { segmentPath } from "./query.ts";
import { WhatFollows } from "./what_follows.tsx";
import type { Segment } from "./words.ts";

/** Asks before all users in a segment are deleted, with what follows from it, and leads to the job that does it. */
export function DeleteUsers({ segment, onClose }: { segment: Segment; onClose: () => void }) {
  const consequences = useConsequences(segment.id);
  const told = consequences.data;
  const isAsking = told !== undefined && told.members !== 0;
  const [changed, setChanged] = useState<number | null>(null);
  const dryRun = useDryRun(segment.id, isAsking, changed);
  const { confirm, isPending, problem } = useConfirmed(segment.id);
  const [isTicked, setTicked] = useState(false);
  const [isEnabledAfter, setEnabledAfter] = useState(false);
  // The number is frozen: the API deletes nobody where there are others by then. Consent to one number is none to another.
  const members = changed ?? told?.members ?? dryRun.plan?.rows ?? null;
  useEffect(() => {
    if (!(problem instanceof MembersChanged)) return;
    setChanged(problem.members);
    setTicked(false);
  }, [problem]);
  const send = () => {
    if (members !== null) confirm(members, isEnabledAfter);
  };
  const reason = members === null ? "The members are still being counted." : isTicked ? null : "Tick the box first.";
  return (
    <Dialog title="Delete All Users in Segment" onClose={onClose} isBusy={isPending}>
      <p>
        Segment <bdi>{segment.name}</bdi>
      </p>
      <Loaded query={consequences} what="what follows">
        {(found) => <WhatFollows told={found} changed={changed} members={members} dryRun={dryRun} />}
      </Loaded>
      {isAsking && (
        <>
          <CheckField
            label="Enable the segment again when everybody is deleted"
            checked={isEnabledAfter}
            disabled={isPending}
            onChange={(event) => setEnabledAfter(event.target.checked)}
          />
          <CheckField
            label={`I want ${members === null ? "the members" : plural(members, "member")} of this segment to be deleted for good.`}
            checked={isTicked}
            disabled={isPending || members === null}
            onChange={(event) => setTicked(event.target.checked)}
          />
        </>
      )}
      {problem !== null && !(problem instanceof MembersChanged) && !isPending && (
        <DeletionProblem problem={problem} onRetry={send} />
      )}
      <div className="actions">
        {isAsking && (
          <Button kind="danger" reason={reason} isBusy={isPending} onClick={send}>
            Confirm Delete
          </Button>
        )}
        <Button reason={isPending ? "Wait for the response." : null} onClick={onClose}>
          {isAsking ? "Cancel" : "Close"}
        </Button>
      </div>
      {isAsking && <DeleteCommands id={segment.id} members={members} isEnabledAfter={isEnabledAfter} />}
    </Dialog>
  );
}

/** The deletion, which leads to its job. */
function useConfirmed(id: string) {
  return useDeletion(id, (job) => {
    announce(`The job is made. It starts in ${UNDO_SECONDS} seconds, and can be undone until then.`);
    navigate(`/jobs/${job.id}`);
  });
}

interface DeleteCommandsProps {
  id: string;
  members: number | null;
  isEnabledAfter: boolean;
}

function DeleteCommands({ id, members, isEnabledAfter }: DeleteCommandsProps) {
  const { space } = useSession();
  const body = { confirm: true, expected_members: members, auto_enable: isEnabledAfter };
  const expected = members === null ? [] : ["--expected-members", String(members)];
  return (
    <Commands
      request={{ method: "POST", path: `${segmentPath(space, id)}/delete_users`, body, isOnce: true }}
      command={["segments", "delete-users", id, ...expected, ...(isEnabledAfter ? ["--auto-enable"] : [])]}
    />
  );
}
