import type { Schemas } from "../api/client.ts";
import { type Reason, SWITCHED_OFF, useReason } from "../session/permission.ts";
import { useSession } from "../session/session.ts";
import { focusMain } from "../ui/focused.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { ActionCard } from "./new_job_action.tsx";
import { type Draft, useDraft, useLoss } from "./new_job_draft.ts";
import { DryRunCard } from "./new_job_dry_run.tsx";
import { LeaveGuard } from "./new_job_leave.tsx";
import { groupFault } from "./new_job_request.ts";
import { RowsCard } from "./new_job_rows.tsx";

/** Makes a job of the rows of a file: reads them, makes a dry run, and deletes what it has found. */
export function NewJob() {
  const reasons: Record<Schemas["RowAction"], Reason> = {
    delete_profile: useReason("delete_profiles"),
    delete_identifier: useReason("delete_identifiers"),
  };
  const { activated } = useSession().details.space;
  const isForIdentifiers = reasons.delete_profile !== null && reasons.delete_identifier === null;
  const { draft, enter, plan, remove, start, keep, discard } = useDraft(
    isForIdentifiers ? "delete_identifier" : "delete_profile",
  );
  const loss = useLoss(draft);
  const isFixed = draft.run !== null;
  return (
    <Page title="New job">
      <LeaveGuard loss={loss} />
      {!activated && (
        <Notice kind="warning" title="Deletions are switched off in this space">
          No job can be made, not even a dry run, until an operator switches them on.
        </Notice>
      )}
      <ActionCard
        action={draft.action}
        reasons={reasons}
        group={draft.group}
        isFixed={isFixed}
        onAction={(action) => enter({ action, layout: null })}
        onGroup={(group) => enter({ group })}
      />
      <RowsCard
        {...draft}
        state={draft.reading}
        isFixed={isFixed}
        onPasted={(pasted) => enter({ pasted })}
        onFile={(file) => {
          enter({ file, layout: null });
          if (file === null) focusMain();
        }}
        onLayout={(layout) => enter({ layout })}
      />
      <DryRunCard
        {...draft}
        reason={reasons[draft.action] ?? (activated ? reasonOf(draft) : SWITCHED_OFF)}
        onRun={plan}
        onDelete={remove}
        onStart={start}
        onKeep={() => {
          keep();
          focusMain();
        }}
        onDiscard={() => {
          discard();
          focusMain();
        }}
      />
    </Page>
  );
}

/** Why no dry run can be made of what was entered. */
function reasonOf({ group, file, reading, rows }: Draft): Reason {
  if (groupFault(group) !== null) return "Correct the group label first.";
  if (file === null) return "Choose a file or paste rows first.";
  if (reading.step === "reading") return "Wait until the rows are read.";
  return rows === null ? "There is no row that could be sent." : null;
}
