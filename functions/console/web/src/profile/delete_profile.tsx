import { useQueryClient } from "@tanstack/react-query";
import type { Schemas } from "../api/client.ts";
import { fillPath } from "../api/path.ts";
import { useSession } from "../session/session.ts";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Focused } from "../ui/focused.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Notice } from "../ui/notice.tsx";
import { navigate } from "../ui/route.tsx";
import { useWrite } from "../ui/write.ts";
import { Consent } from "./consent.tsx";
import { Consequences } from "./consequences.tsx";
import { extentOf, lookupOf } from "./extent.ts";
import { ProfilePlan } from "./plan.tsx";
import { ProfileDeleted } from "./profile_deleted.tsx";
import { createJob, deleteProfile, ownSelector, type Plan, PROFILES, planOf, profilePath, usePlan } from "./query.ts";
import { RowCommands } from "./row_commands.tsx";

interface DeleteProfileProps {
  /** The profile's own id. */
  root: string;
  onClose: (isDone: boolean) => void;
}

/** Deletes a profile with all that was merged into it, after somebody has seen all of it. */
export function DeleteProfile({ root, onClose }: DeleteProfileProps) {
  const { space } = useSession();
  const queries = useQueryClient();
  const plan = usePlan(root, null, () => planOf(space, ownSelector(root)));
  const write = useWrite(
    async (lookup: string | null, key) => {
      if (lookup === null) return { jobId: await createJob(space, jobOf(root), key), receipt: null };
      const sent = await deleteProfile(space, lookup, key);
      return "receipt" in sent ? { jobId: null, receipt: sent.receipt } : { jobId: sent.job.id, receipt: null };
    },
    ({ jobId }) => {
      if (jobId !== null) navigate(`/jobs/${jobId}`);
      else announce("The profile is deleted.");
    },
  );
  const receipt = write.data?.receipt ?? null;
  const close = () => {
    // After a lost response the screen tells what is so.
    if (write.problem !== null) void queries.invalidateQueries({ queryKey: [PROFILES] });
    onClose(receipt !== null);
  };
  return (
    <Dialog
      title={receipt === null ? "Delete a profile" : "The profile is deleted"}
      onClose={close}
      isBusy={write.isPending}
    >
      {receipt !== null ? (
        <ProfileDeleted receipt={receipt} onClose={close} />
      ) : (
        <>
          <Loaded query={plan} what="the plan of the deletion">
            {(read) => <Question plan={read} write={write} onCancel={close} />}
          </Loaded>
          {plan.data === undefined && <Button onClick={close}>Cancel</Button>}
        </>
      )}
    </Dialog>
  );
}

/** A job finds a profile by its own id, also where it has no identifier that a request could name. */
function jobOf(root: string) {
  return { action: "delete_profile", rows: [root] } satisfies Schemas["CreateJobBody"];
}

interface QuestionProps {
  plan: Plan;
  write: { run: (lookup: string | null) => void; isPending: boolean; problem: unknown };
  onCancel: () => void;
}

function Question({ plan, write, onCancel }: QuestionProps) {
  const { goes, is_complete, profile_id: root } = plan;
  const lookup = lookupOf(goes);
  const extent = extentOf(goes);
  const more = is_complete ? "" : ", and all else that it has";
  return (
    <Focused label="What goes and what stays" isWhole>
      <p>
        The profile <span className="id">{root}</span> as it is now. What is added until you confirm goes as well.
      </p>
      <ProfilePlan plan={plan} />
      <Consequences />
      {lookup === null && (
        <Notice kind="info">
          The profile has no identifier that a request can name, so the deletion is made as a job of one row. You are
          taken to it.
        </Notice>
      )}
      <Consent
        what={`this profile${extent === "" ? "" : ` with ${extent}`}${more}`}
        isBusy={write.isPending}
        problem={write.problem}
        onConfirm={() => write.run(lookup)}
        onCancel={onCancel}
      />
      {lookup === null ? <RowCommands job={jobOf(root)} /> : <RequestCommands lookup={lookup} />}
    </Focused>
  );
}

function RequestCommands({ lookup }: { lookup: string }) {
  const { space } = useSession();
  const path = fillPath(
    "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}",
    profilePath(space, lookup),
  );
  return <Commands request={{ method: "DELETE", path, isOnce: true }} command={["profile", "delete", lookup]} />;
}
