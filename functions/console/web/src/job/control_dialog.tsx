import { serverNow } from "../api/clock.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Facts } from "../ui/facts.tsx";
import { Form } from "../ui/field.tsx";
import { consentTo, useConsent } from "./consent.tsx";
import { type Control, isDeletion, isTimed, told } from "./control.ts";
import { type ControlInput, type Job, scopeOf, useControl } from "./query.ts";
import { laterOf, soon } from "./start_at.ts";
import { targets } from "./words.ts";
import { LostDeletion, WriteProblem } from "./write_problem.tsx";

type AskedControl = Exclude<Control, "pause" | "resume" | "execute">;

interface ControlDialogProps {
  job: Job;
  control: AskedControl;
  onClose: () => void;
}

/** Says what a control will and won't do, and asks before it. What deletes needs a consent. */
export function ControlDialog({ job, control, onClose }: ControlDialogProps) {
  const input = inputOf(control, job);
  const isUndoable = isTimed(control, job);
  const write = useControl(job.id, onClose, isUndoable ? scopeOf(job.id, input) : undefined);
  const sentAt = write.sent?.start_at;
  const { name, will, wont } = told(control, job, serverNow());
  const needsConsent = isDeletion(control, job);
  const label = consent(control, job);
  const { isAgreed, field } = useConsent(label);
  const send = () => {
    if (isAgreed || !needsConsent) write.run({ ...input, ...(isUndoable && { start_at: soon() }) });
  };
  return (
    <Dialog title={`${name.replace(" job", "")} this job?`} onClose={onClose} isBusy={write.isPending}>
      {write.isUncertain && sentAt ? (
        <LostDeletion write={write} startAt={laterOf(sentAt, job.start_at)} onClose={onClose} />
      ) : (
        <Form className="stack" onSend={send}>
          <Facts facts={{ "What it does": will, "What it does not": wont }} />
          {needsConsent && field}
          <WriteProblem write={write} />
          <div className="actions">
            <Button
              kind={needsConsent || control === "cancel" ? "danger" : "primary"}
              type="submit"
              isBusy={write.isPending}
              reason={needsConsent && !isAgreed ? "Tick the box first." : null}
            >
              {needsConsent ? "Confirm Delete" : name}
            </Button>
            <Button onClick={onClose}>Close</Button>
          </div>
        </Form>
      )}
    </Dialog>
  );
}

/** What is asked of a job as it is shown. */
export function inputOf(control: Exclude<Control, "execute">, job: Job): ControlInput {
  const members = control === "approve" && job.segment_id ? job.expected_members : null;
  return { control, ...(typeof members === "number" && { expected_members: members }) };
}

/** What somebody agrees to, with the number. */
function consent(control: AskedControl, job: Job): string {
  if (control === "redrive") {
    return `I want what the failed rows name to be deleted for good: up to ${targets(job, job.counts.failed ?? 0)}.`;
  }
  const count = job.segment_id ? (job.expected_members ?? job.remaining) : job.remaining;
  return consentTo(`up to ${targets(job, count)}`);
}
