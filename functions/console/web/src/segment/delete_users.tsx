import { useEffect, useState } from "react";
import { useConsent } from "../job/consent.tsx";
import { AtOnce } from "../job/execute_form.tsx";
import { JobLink, jobRoute } from "../job/job_link.tsx";
import { LostDeletion } from "../job/write_problem.tsx";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Rejected } from "../ui/deletion_problem.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { CheckField } from "../ui/field.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Seen } from "../ui/masked.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { navigate } from "../ui/route.tsx";
import { plural } from "../ui/time.tsx";
import { Conflict, useConsequences, useDeletion, useDryRun } from "./deletion.ts";
import { segmentPath } from "./query.ts";
import { WhatFollows } from "./what_follows.tsx";
import type { Segment } from "./words.ts";

/** Asks before all users in a segment are deleted, with what follows from it, and leads to the job that does it. */
export function DeleteUsers({ segment, onClose }: { segment: Segment; onClose: () => void }) {
  const write = useConfirmed(segment.id);
  return (
    <Dialog title="Delete All Users in Segment" onClose={onClose} isBusy={write.isPending}>
      <p>
        Segment <Seen text={segment.name} />
      </p>
      {write.isUncertain && write.sent !== null ? (
        <LostDeletion write={write} startAt={write.sent.start_at} onClose={onClose} />
      ) : (
        <Asked segment={segment} write={write} onClose={onClose} />
      )}
    </Dialog>
  );
}

type Write = ReturnType<typeof useDeletion>;

interface AskedProps {
  segment: Segment;
  write: Write;
  onClose: () => void;
}

function Asked({ segment, write, onClose }: AskedProps) {
  const consequences = useConsequences(segment.id);
  const told = consequences.data;
  const isAsking = told !== undefined && told.members !== 0;
  const [changed, setChanged] = useState<Conflict | null>(null);
  const now = changed?.beside.members;
  const dryRun = useDryRun(segment.id, isAsking, now);
  const { confirm, isPending, problem } = write;
  const [isEnabledAfter, setEnabledAfter] = useState(false);
  // Consent to one number is none to another. The API deletes nobody where the number is another by more than 1 %.
  const members = now ?? told?.members ?? dryRun.plan?.rows ?? null;
  const { isAgreed, field } = useConsent(
    `I want ${members === null ? "the members" : plural(members, "member")} of this segment to be deleted for good.`,
    isPending || members === null,
  );
  useEffect(() => {
    if (isChange(problem)) setChanged(problem);
  }, [problem]);
  const send = () => {
    if (isAgreed && members !== null) confirm(members, isEnabledAfter);
  };
  const reason = members === null ? "The members are still being counted." : isAgreed ? null : "Tick the box first.";
  return (
    <>
      <Loaded query={consequences} what="what follows">
        {(found) => <WhatFollows told={found} changed={changed} members={members} dryRun={dryRun} />}
      </Loaded>
      {isAsking && (
        <>
          <CheckField
            label="Enable the segment again when everybody is deleted"
            checked={isEnabledAfter}
            disabled={isPending}
            onValue={setEnabledAfter}
          />
          {field}
        </>
      )}
      {problem !== null && !isChange(problem) && !isPending && (
        <NotAccepted problem={problem} onRetry={isAgreed && send} />
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
      {isAsking && members !== null && (
        <DeleteCommands id={segment.id} members={members} isEnabledAfter={isEnabledAfter} />
      )}
    </>
  );
}

/** Whether nobody was deleted because the members are others than were expected. */
function isChange(problem: unknown): problem is Conflict {
  return problem instanceof Conflict && problem.beside.members !== undefined;
}

/** Why the deletion was not accepted. */
function NotAccepted({ problem, onRetry }: { problem: Error; onRetry: (() => void) | false }) {
  const id = problem instanceof Conflict && problem.beside.job_id;
  if (!id) return <Rejected problem={problem} onRetry={onRetry} />;
  return (
    <ProblemNotice kind="info" problem={problem} title="The segment has a job that is not over">
      It may be the one that you have just confirmed: <JobLink id={id} />
    </ProblemNotice>
  );
}

/** The deletion, which leads to its job. */
function useConfirmed(id: string) {
  return useDeletion(id, (job) => {
    announce("The job is made.");
    navigate(jobRoute(job.id));
  });
}

interface DeleteCommandsProps {
  id: string;
  members: number;
  isEnabledAfter: boolean;
}

function DeleteCommands({ id, members, isEnabledAfter }: DeleteCommandsProps) {
  const body = { confirm: true, expected_members: members, auto_enable: isEnabledAfter };
  return (
    <>
      <Commands
        method="POST"
        path={`${segmentPath(id)}/delete_users`}
        body={body}
        command={[
          ...["segments", "delete-users", id, "--expected-members", String(members)],
          ...(isEnabledAfter ? ["--auto-enable"] : []),
        ]}
      />
      <AtOnce />
    </>
  );
}
