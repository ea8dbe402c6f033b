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
import { IdentifierDeleted } from "./identifier_deleted.tsx";
import { ProfilePlan } from "./plan.tsx";
import {
  createJob,
  deleteIdentifier,
  type Identifier,
  otherUserId,
  ownSelector,
  type Plan,
  PROFILES,
  planOf,
  profilePath,
  usePlan,
} from "./query.ts";
import { RowCommands } from "./row_commands.tsx";

interface DeleteIdentifierProps {
  /** The profile's own id. */
  root: string;
  target: Identifier;
  onClose: (isDone: boolean) => void;
}

/** Deletes one identifier of a profile, after somebody has seen what goes and what stays. */
export function DeleteIdentifier({ root, target: { type, id }, onClose }: DeleteIdentifierProps) {
  const { space } = useSession();
  const queries = useQueryClient();
  const target = { type, id };
  const plan = usePlan(root, target, async () => {
    const profile = ownSelector(root);
    const [read, userId] = await Promise.all([planOf(space, profile, target), otherUserId(space, profile, target)]);
    return { ...read, userId };
  });
  const write = useWrite(
    async (userId: string | null, key) => {
      if (userId === null) return createJob(space, jobOf(root, target), key);
      await deleteIdentifier(space, userId, target, key);
      return null;
    },
    (jobId) => {
      void queries.invalidateQueries({ queryKey: [PROFILES] });
      if (jobId !== null) navigate(`/jobs/${jobId}`);
      else announce("The identifier is deleted.");
    },
  );
  const isDone = write.data !== undefined;
  const close = () => {
    // After a lost response the lists tell what is so.
    if (write.problem !== null) void queries.invalidateQueries({ queryKey: [PROFILES] });
    onClose(isDone);
  };
  return (
    <Dialog
      title={isDone ? "The identifier is deleted" : "Delete an identifier"}
      onClose={close}
      isBusy={write.isPending}
    >
      {isDone ? (
        <IdentifierDeleted identifier={`${type}:${id}`} onClose={close} />
      ) : (
        <>
          <Loaded query={plan} what="the plan of the deletion">
            {(read) => <Question plan={read} target={target} write={write} onCancel={close} />}
          </Loaded>
          {plan.data === undefined && <Button onClick={close}>Cancel</Button>}
        </>
      )}
    </Dialog>
  );
}

/** A job finds the profile by its own id, where a request would need a `user_id` of it. */
function jobOf(root: string, target: Identifier) {
  return { action: "delete_identifier", rows: [{ profile: root, ...target }] } satisfies Schemas["CreateJobBody"];
}

interface QuestionProps {
  /** `userId`: by which a request finds the profile. */
  plan: Plan & { userId: string | null };
  target: Identifier;
  write: { run: (userId: string | null) => void; isPending: boolean; problem: unknown };
  onCancel: () => void;
}

function Question({ plan, target, write, onCancel }: QuestionProps) {
  const { userId, profile_id: root } = plan;
  if (plan.is_last_user_id) return <LastUserId onCancel={onCancel} />;
  return (
    <Focused label="What goes and what stays" isWhole>
      <p>
        Deletes one {target.type} of the profile <span className="id">{root}</span>, and nothing else of it.
      </p>
      <ProfilePlan plan={plan} />
      <Consequences />
      {userId === null && (
        <Notice kind="info">
          The profile has no user_id, so the deletion is made as a job of one row. You are taken to it.
        </Notice>
      )}
      <Consent
        what={`this ${target.type} of the profile`}
        isBusy={write.isPending}
        problem={write.problem}
        onConfirm={() => write.run(userId)}
        onCancel={onCancel}
      />
      {userId === null ? (
        <RowCommands job={jobOf(root, target)} />
      ) : (
        <RequestCommands userId={userId} target={target} />
      )}
    </Focused>
  );
}

/** Why the only `user_id` of a profile stays, and what can be done. */
function LastUserId({ onCancel }: { onCancel: () => void }) {
  return (
    <Focused label="It cannot be deleted alone" isWhole>
      <Notice kind="info" title="This is the profile's last user_id">
        <p>A profile that has a user_id keeps one, so it cannot be deleted alone. Nothing was deleted.</p>
        <p>To delete it, delete the whole profile: press “Delete profile” at the top of the page.</p>
      </Notice>
      <Button onClick={onCancel}>Close</Button>
    </Focused>
  );
}

function RequestCommands({ userId, target: { type, id } }: { userId: string; target: Identifier }) {
  const { space } = useSession();
  const path = fillPath(
    "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids/delete",
    profilePath(space, `user_id:${userId}`),
  );
  return (
    <Commands
      request={{ method: "POST", path, body: { delete_external_ids: [{ id, type }] }, isOnce: true }}
      command={["identifier", "delete", `--user-id=${userId}`, `--type=${type}`, `--id=${id}`]}
    />
  );
}
