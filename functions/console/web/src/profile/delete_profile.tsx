import type { Schemas } from "../api/client.ts";
import { isProblem } from "../api/problem.ts";
import { jobRoute } from "../job/job_link.tsx";
import { useJobWrite } from "../job/query.ts";
import { Button } from "../ui/button.tsx";
import { Focused } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { navigate } from "../ui/route.tsx";
import { DeletionDialog, Question } from "./deletion_dialog.tsx";
import { extentOf } from "./extent.ts";
import { dryRunOf, executeDryRun, ownSelector, planOf, usePlan } from "./query.ts";
import { RowCommands } from "./row_commands.tsx";

interface DeleteProfileProps {
  /** The profile's own id. */
  root: string;
  onClose: () => void;
}

/**
 * Deletes a profile with all that was merged into it, after somebody has seen all of it. What is confirmed is a dry run of
 * its own id, and no identifier, which may be somebody else's by then.
 */
export function DeleteProfile({ root, onClose }: DeleteProfileProps) {
  const plan = usePlan(root, null, ({ signal }) => seen(root, signal));
  const write = useJobWrite(executeDryRun, ({ id }) => navigate(jobRoute(id)));
  return (
    <DeletionDialog title="Delete a profile" plan={plan} write={write} onClose={onClose}>
      {(read, onCancel) => {
        if (read === null) return <NotThere onCancel={onCancel} />;
        const extent = extentOf(read.goes);
        return (
          <Question
            intro={
              <>
                The profile <span className="id">{read.profile_id}</span> as it is now. If something is added to it or
                merged before it is deleted, it is left alone: the job then says “changed”, and deletes nothing.
              </>
            }
            plan={read}
            job="The deletion is a job of its own, which has the outcome and the receipt."
            what={`this profile${extent && ` with ${extent}`}${read.is_complete ? "" : ", and all else that it has"}`}
            write={write}
            onConfirm={() => write.run(read.dryRun)}
            onCancel={onCancel}
          >
            <RowCommands job={jobOf(read.profile_id)} />
          </Question>
        );
      }}
    </DeletionDialog>
  );
}

/**
 * The dry run that is confirmed, and what is shown of it; null where the profile is not there. The dry run comes first: a
 * profile that changes in between is left alone, so nothing is ever deleted that was added after it was shown.
 */
async function seen(root: string, signal: AbortSignal) {
  const dryRun = await dryRunOf(root, signal);
  if (dryRun === null) return null;
  try {
    return { ...(await planOf(ownSelector(root))), dryRun };
  } catch (problem) {
    if (isProblem(problem, 404)) return null;
    throw problem;
  }
}

/** A job finds a profile by its own id, also where it has no identifier that a request could name. */
function jobOf(root: string) {
  return { action: "delete_profile", rows: [root] } satisfies Schemas["CreateJobBody"];
}

/** That there is nothing to delete any more. */
function NotThere({ onCancel }: { onCancel: () => void }) {
  return (
    <Focused label="The profile is not there" isWhole>
      <Notice kind="info" title="The profile is not there any more">
        It was deleted meanwhile. Nothing is left to delete.
      </Notice>
      <Button onClick={onCancel}>Close</Button>
    </Focused>
  );
}
