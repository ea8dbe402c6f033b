import { useQueryClient } from "@tanstack/react-query";
import type { Schemas } from "../api/client.ts";
import { jobRoute } from "../job/job_link.tsx";
import { announce } from "../ui/announce.tsx";
import { Button } from "../ui/button.tsx";
import { Commands } from "../ui/commands.tsx";
import { Focused } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { navigate } from "../ui/route.tsx";
import { useWrite } from "../ui/write.ts";
import { DeletionDialog, Question } from "./deletion_dialog.tsx";
import { IdentifierDeleted } from "./identifier_deleted.tsx";
import {
  createJob,
  deleteIdentifier,
  type Identifier,
  otherUserId,
  ownSelector,
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
  const queries = useQueryClient();
  const target = { type, id };
  const plan = usePlan(root, target, async () => {
    const profile = ownSelector(root);
    const [read, userId] = await Promise.all([planOf(profile, target), otherUserId(profile, target)]);
    return { ...read, userId };
  });
  const write = useWrite(
    async (userId: string | null, key) => {
      if (userId === null) return (await createJob(jobOf(root, target), key)).id;
      await deleteIdentifier(userId, target, key);
      return null;
    },
    (jobId) => {
      void queries.invalidateQueries({ queryKey: [PROFILES] });
      if (jobId !== null) navigate(jobRoute(jobId));
      else announce("The identifier is deleted.");
    },
  );
  return (
    <DeletionDialog
      title="Delete an identifier"
      plan={plan}
      write={write}
      done={
        // A job was only accepted: its screen tells what has become of it.
        write.data === null && {
          title: "The identifier is deleted",
          facts: <IdentifierDeleted identifier={`${type}:${id}`} />,
        }
      }
      onClose={onClose}
    >
      {({ userId, ...read }, onCancel) =>
        read.is_last_user_id ? (
          <LastUserId onCancel={onCancel} />
        ) : (
          <Question
            intro={
              <>
                Deletes one {type} of the profile <span className="id">{read.profile_id}</span>, and nothing else of it.
              </>
            }
            plan={read}
            job={userId === null ? "The profile has no user_id, so the deletion is made as a job of one row." : null}
            what={`this ${type} of the profile`}
            write={write}
            onConfirm={() => write.run(userId)}
            onCancel={onCancel}
          >
            {userId === null ? (
              <RowCommands job={jobOf(read.profile_id, target)} />
            ) : (
              <Commands
                method="POST"
                path={`${profilePath(`user_id:${userId}`)}/external_ids/delete`}
                body={{ delete_external_ids: [{ id, type }] }}
                command={["identifier", "delete", `--user-id=${userId}`, `--type=${type}`, `--id=${id}`]}
              />
            )}
          </Question>
        )
      }
    </DeletionDialog>
  );
}

/** A job finds the profile by its own id, where a request would need a `user_id` of it. */
function jobOf(root: string, target: Identifier) {
  return { action: "delete_identifier", rows: [{ profile: root, ...target }] } satisfies Schemas["CreateJobBody"];
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
